-- Answers: which repositories did these scans see?
-- Parameters: none; table places.
-- Columns: repository.
SELECT DISTINCT repository FROM places
ORDER BY repository
