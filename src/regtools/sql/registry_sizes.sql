-- Answers: how many bytes did each registry store in each state, and is that all? No more than a
--          trend asks: usage_by_registry tells the same beside what it takes longer to find out.
-- Parameters: none; tables places, nodes, links, roots, items, observed.
-- Columns: state, registry, taken_at, physical_bytes, complete.
WITH RECURSIVE
-- UNION keeps each manifest once for a place, so even a cycle comes to its end.
reached AS (
    SELECT place, node FROM roots WHERE NOT follows AND node IS NOT NULL
    UNION
    SELECT reached.place, links.child
    FROM reached
    JOIN links
        ON links.parent = reached.node
        AND (links.place IS NULL OR links.place = reached.place)
),
manifests_of AS (
    SELECT DISTINCT places.state, places.registry, places.storage, nodes.digest
    FROM reached
    JOIN places USING (place)
    JOIN nodes USING (node)
),
-- A manifest holds the same in every scan: one of them tells what.
told AS (
    SELECT digest, min(config_digest) AS config_digest, min(snapshot) AS snapshot
    FROM nodes
    GROUP BY digest
),
contents AS (
    SELECT told.digest, items.item, TRUE AS stored
    FROM told
    JOIN items ON items.digest = told.digest
    UNION ALL
    SELECT told.digest, items.item, TRUE
    FROM told
    JOIN items ON items.digest = told.config_digest
    UNION ALL
    SELECT told.digest, items.item, NOT layers."foreign"
    FROM layers
    JOIN told ON told.snapshot = layers.snapshot AND told.digest = layers.manifest
    JOIN items ON items.digest = layers.blob
),
held AS (
    SELECT state, registry, storage, item, bool_or(stored) AS stored
    FROM manifests_of
    JOIN contents USING (digest)
    GROUP BY state, registry, storage, item
),
sizes AS (
    SELECT
        state,
        registry,
        sum(items.size) FILTER (WHERE held.stored) AS size,
        bool_and(items.known) AS known
    FROM held
    JOIN items USING (item)
    GROUP BY state, registry
)
SELECT
    state,
    registry,
    observed.taken_at,
    coalesce(sizes.size, 0) AS physical_bytes,
    observed.complete AND coalesce(sizes.known, TRUE) AS complete
FROM observed
LEFT JOIN sizes USING (state, registry)
ORDER BY registry, state
