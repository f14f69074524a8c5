-- Answers: how many repositories are there to judge? They are numbered from 1.
-- Parameters: none; table places.
-- Columns: places.
SELECT count(*) AS places FROM places
