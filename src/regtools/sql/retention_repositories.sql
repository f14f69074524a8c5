-- Answers: how many bytes does each repository hold, and how many of them go, alone or with others?
-- Parameters: none; tables places, nodes, held.
-- Columns: registry, repository, physical_bytes, freed_bytes, freed_with_others_bytes, kept_bytes,
--          kept_with_others_bytes.
WITH
named AS (
    SELECT node, digest, size, TRUE AS stored FROM nodes
    UNION ALL
    SELECT node, config_digest, config_size, TRUE FROM nodes WHERE config_digest IS NOT NULL
    UNION ALL
    SELECT nodes.node, layers.blob, layers.size, NOT layers."foreign"
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
),
-- Every repository names the same few digests: whole numbers spare the texts a thousandfold.
items AS (
    SELECT (row_number() OVER ())::INTEGER AS item, digest
    FROM (SELECT DISTINCT digest FROM named) AS digests
),
contents AS (
    SELECT named.node, items.item, named.size, named.stored FROM named JOIN items USING (digest)
),
blobs AS (
    SELECT
        places.scope,
        held.place,
        contents.item,
        max(contents.size) AS size,
        bool_or(held.kept) AS kept
    FROM held
    JOIN contents USING (node)
    JOIN places USING (place)
    GROUP BY places.scope, held.place, contents.item
    HAVING bool_or(contents.stored)
),
shared AS (
    SELECT scope, item, count(*) AS holders, bool_or(kept) AS kept FROM blobs GROUP BY scope, item
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
JOIN shared USING (scope, item)
JOIN places USING (place)
GROUP BY places.registry, places.repository
