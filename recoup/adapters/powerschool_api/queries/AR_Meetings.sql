FROM Section_Meeting
INNER JOIN Sections ON Sections.ID = Section_Meeting.SectionID
INNER JOIN S_CA_SEC_X ON S_CA_SEC_X.SectionsDCID = Sections.DCID AND S_CA_SEC_X.attendanceRecovery = 1
INNER JOIN Terms ON Terms.ID = Sections.TermID AND Terms.SchoolID = Sections.SchoolID
INNER JOIN Period ON Period.Period_Number = Section_Meeting.Period_Number
  AND Period.SchoolID = Section_Meeting.SchoolID AND Period.Year_ID = Section_Meeting.Year_ID
INNER JOIN Cycle_Day ON Cycle_Day.Letter = Section_Meeting.Cycle_Day_Letter
  AND Cycle_Day.SchoolID = Section_Meeting.SchoolID AND Cycle_Day.Year_ID = Section_Meeting.Year_ID
INNER JOIN Calendar_Day ON Calendar_Day.Cycle_Day_ID = Cycle_Day.ID AND Calendar_Day.SchoolID = Section_Meeting.SchoolID
  AND Calendar_Day.Date_Value BETWEEN Terms.FirstDay AND Terms.LastDay
INNER JOIN Bell_Schedule_Items ON Bell_Schedule_Items.Bell_Schedule_ID = Calendar_Day.Bell_Schedule_ID
  AND Bell_Schedule_Items.Period_ID = Period.ID
-- A section that meets in several periods of a day meets once: from the first to the last of them.
GROUP BY Section_Meeting.SectionID, Calendar_Day.Date_Value
ORDER BY Section_Meeting.SectionID, Calendar_Day.Date_Value
