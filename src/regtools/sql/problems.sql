-- Answers: what could not be read, and why?
-- Parameters: none.
-- Columns: registry, repository, reference, code, message.
SELECT registry, repository, reference, code, message
FROM problems
ORDER BY registry, repository, reference, code, message
