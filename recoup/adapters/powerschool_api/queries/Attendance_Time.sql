FROM Attendance_Time
INNER JOIN Attendance ON Attendance.ID = Attendance_Time.AttendanceID
INNER JOIN Attendance_Code ON Attendance_Code.ID = Attendance.Attendance_CodeID
-- Times of attendance recovery alone.
INNER JOIN S_CA_ATC_X ON S_CA_ATC_X.Attendance_CodeDCID = Attendance_Code.DCID AND S_CA_ATC_X.attendanceRecoveryCode = 1
ORDER BY Attendance_Time.AttendanceID
