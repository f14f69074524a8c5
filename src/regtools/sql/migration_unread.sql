-- Answers: what could not be read, for another reason than that it is missing?
-- Parameters: none; tables states.
-- Columns: state, registry, repository, reference, code, message.
SELECT DISTINCT
    states.state,
    problems.registry,
    problems.repository,
    problems.reference,
    problems.code,
    problems.message
FROM problems
JOIN states USING (snapshot)
WHERE
    problems.code NOT IN ('CONFIG_MISSING', 'BLOB_MISSING', 'BLOB_SIZE_WRONG')
    AND NOT (problems.code = 'NOT_FOUND' AND problems.reference <> '')
ORDER BY ALL
