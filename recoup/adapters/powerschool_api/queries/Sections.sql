FROM Sections
LEFT JOIN S_CA_SEC_X ON S_CA_SEC_X.SectionsDCID = Sections.DCID
ORDER BY Sections.ID
