-- Answers: how many bytes does each repository hold, and how many of them go, alone or with others?
-- Parameters: none; tables places, nodes, held.
-- Columns: registry, repository, physical_bytes, freed_bytes, freed_with_others_bytes, kept_bytes,
--          kept_with_others_bytes.
WITH
pieces AS (
    SELECT held.place, nodes.digest, nodes.size, TRUE AS stored, held.kept
    FROM held
    JOIN nodes USING (node)
    UNION ALL
    SELECT held.place, nodes.config_digest, nodes.config_size, TRUE, held.kept
    FROM held
    JOIN nodes USING (node)
    WHERE nodes.config_digest IS NOT NULL
    UNION ALL
    SELECT held.place, layers.blob, layers.size, NOT layers."foreign", held.kept
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
    JOIN held USING (node)
),
blobs AS (
    SELECT places.scope, pieces.place, digest, max(size) AS size, bool_or(kept) AS kept
    FROM pieces
    JOIN places USING (place)
    GROUP BY places.scope, pieces.place, digest
    HAVING bool_or(stored)
),
shared AS (
    SELECT scope, digest, count(*) AS holders, bool_or(kept) AS kept FROM blobs GROUP BY scope, digest
)
SELECT
    places.registry,
    places.repository,
    coalesce(sum(blobs.size), 0) AS physical_bytes,
    coalesce(sum(blobs.size) FILTER (WHERE NOT shared.kept AND holders = 1), 0) AS freed_bytes,
    coalesce(sum(blobs.size) FILTER (WHERE NOT shared.kept AND holders > 1), 0)
        AS freed_with_others_bytes,
    coalesce(sum(blobs.size) FILTER (WHERE shared.kept AND holders = 1), 0) AS kept_bytes,
    coalesce(sum(blobs.size) FILTER (WHERE shared.kept AND holders > 1), 0) AS kept_with_others_bytes
FROM blobs
JOIN shared USING (scope, digest)
JOIN places USING (place)
GROUP BY places.registry, places.repository
