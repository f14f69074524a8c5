-- Answers: which manifests are known to be held without a tag?
-- Parameters: none; tables places, nodes.
-- Columns: place, digest, node (NULL: not read), pushed_at, pulled_at, locked.
SELECT
    places.place,
    untagged.digest,
    nodes.node,
    untagged.pushed_at,
    untagged.pulled_at,
    untagged.locked
FROM untagged
JOIN places
    ON places.snapshot = untagged.snapshot AND places.repository = untagged.repository
LEFT JOIN nodes ON nodes.scan = places.scan AND nodes.digest = untagged.digest
