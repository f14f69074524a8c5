-- Answers: where could something not be read, for another reason than that it is missing?
-- Parameters: none; tables places, states.
-- Columns: registry, repository (empty: the registry itself), problems, codes.
WITH
speaking AS (
    SELECT snapshot, repository FROM places
    UNION
    SELECT snapshot, '' FROM states
)
SELECT
    problems.registry,
    problems.repository,
    count(*) AS problems,
    list_sort(list(DISTINCT problems.code)) AS codes
FROM problems
SEMI JOIN speaking USING (snapshot, repository)
WHERE
    problems.code NOT IN ('CONFIG_MISSING', 'BLOB_MISSING', 'BLOB_SIZE_WRONG')
    AND NOT (problems.code = 'NOT_FOUND' AND problems.reference <> '')
GROUP BY problems.registry, problems.repository
