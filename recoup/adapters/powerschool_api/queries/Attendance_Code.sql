FROM Attendance_Code
LEFT JOIN S_CA_ATC_X ON S_CA_ATC_X.Attendance_CodeDCID = Attendance_Code.DCID
-- A code of several categories gets all their names, and then a person says what it means.
LEFT JOIN (
  SELECT Att_Code_Code_Entity.Attendance_CodeID AS CodeID, LISTAGG(Code_Entity.CE_Code, ' + ') WITHIN GROUP (ORDER BY Code_Entity.CE_Code) AS Names
  FROM Att_Code_Code_Entity
  INNER JOIN Code_Entity ON Code_Entity.ID = Att_Code_Code_Entity.Code_EntityID
  GROUP BY Att_Code_Code_Entity.Attendance_CodeID
) Category ON Category.CodeID = Attendance_Code.ID
ORDER BY Attendance_Code.ID
