-- Answers: through which tags, and untagged manifests, does each repository hold what the audit asks
--          about?
-- Parameters: none; tables places, audit_above.
-- Columns: place, about, top, tag (NULL: untagged), platform, attests.
SELECT DISTINCT
    places.place,
    audit_above.about,
    audit_above.node AS top,
    held.tag,
    audit_above.platform,
    audit_above.attests
FROM (
    SELECT snapshot, repository, digest, tag FROM tags
    UNION ALL
    SELECT snapshot, repository, digest, NULL FROM untagged
) AS held
JOIN audit_above ON audit_above.snapshot = held.snapshot AND audit_above.node = held.digest
JOIN places ON places.snapshot = held.snapshot AND places.repository = held.repository
