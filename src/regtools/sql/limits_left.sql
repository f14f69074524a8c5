-- Answers: what did a scan see of the quota of pulls?
-- Parameters: none.
-- Columns: summary.
SELECT summary
FROM checks
WHERE stage = 'limits'
ORDER BY summary
