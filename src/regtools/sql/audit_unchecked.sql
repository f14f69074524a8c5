-- Answers: of which registries did a scan not ask whether all blobs are stored?
-- Parameters: none; tables places, states.
-- Columns: registry.
SELECT DISTINCT snapshots.registry
FROM snapshots
JOIN states USING (snapshot)
SEMI JOIN places USING (snapshot)
ANTI JOIN (SELECT snapshot FROM checks WHERE code = 'BLOBS_CHECKED') AS asked USING (snapshot)
