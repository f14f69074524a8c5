-- Answers: which blobs did the destination say it does not have, or not in that size?
-- Parameters: none; tables audit_gaps, places.
-- Columns: repository, digest.
SELECT DISTINCT places.repository, audit_gaps.digest
FROM audit_gaps
JOIN places USING (place)
WHERE places.state = 1 AND audit_gaps.code <> 'INDEX_CHILD_MISSING'
