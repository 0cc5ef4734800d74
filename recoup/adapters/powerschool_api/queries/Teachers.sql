FROM Teachers
ORDER BY Teachers.ID
