-- Answers: which content is stored several times because repositories do not share it, and which
--          layers does a manifest list more than once?
-- Parameters: none; tables places, nodes, roots, items, reach of one state, layers.
-- Columns: registry, digest, kind (stored or listed), role, copies, size, wasted_low_bytes,
--          wasted_bytes, repositories, found_in, dedup_scope, complete.
WITH
tops AS (
    SELECT DISTINCT place, root FROM roots WHERE NOT follows
),
held AS (
    SELECT DISTINCT
        places.registry, places.place, places.scope, places.storage, places.dedup_scope, reach.item
    FROM tops
    JOIN places USING (place)
    JOIN reach USING (root)
    WHERE reach.stored
),
stored AS (
    SELECT
        registry,
        item,
        'stored' AS kind,
        count(DISTINCT storage) AS copies,
        count(DISTINCT storage) - 1 AS wasted,
        count(DISTINCT scope) - 1 AS wasted_low,
        count(*) AS repositories,
        min(place) AS first_place
    FROM held
    GROUP BY registry, item
    HAVING count(DISTINCT storage) > 1
),
lists AS (
    SELECT manifest, blob, max(times) AS times
    FROM (
        SELECT snapshot, manifest, blob, count(*) AS times
        FROM layers
        GROUP BY snapshot, manifest, blob
        HAVING count(*) > 1
    ) AS every
    GROUP BY manifest, blob
),
listed AS (
    SELECT
        places.registry,
        blobs.item,
        'listed' AS kind,
        max(lists.times) AS copies,
        0 AS wasted,
        0 AS wasted_low,
        count(DISTINCT place) AS repositories,
        min(place) AS first_place
    FROM lists
    JOIN items AS manifest ON manifest.digest = lists.manifest
    JOIN items AS blobs ON blobs.digest = lists.blob
    JOIN reach ON reach.item = manifest.item
    JOIN tops USING (root)
    JOIN places USING (place)
    GROUP BY places.registry, blobs.item
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    every.registry,
    items.digest,
    every.kind,
    items.role,
    every.copies,
    items.size,
    items.size * every.wasted_low AS wasted_low_bytes,
    items.size * every.wasted AS wasted_bytes,
    every.repositories,
    places.repository AS found_in,
    registries.dedup_scope,
    registries.complete AND items.known AS complete
FROM (FROM stored UNION ALL FROM listed) AS every
JOIN items USING (item)
JOIN places ON places.place = every.first_place
JOIN registries ON registries.registry = every.registry
ORDER BY wasted_bytes DESC, items.size DESC, every.registry, items.digest, every.kind
