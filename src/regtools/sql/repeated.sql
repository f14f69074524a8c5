-- Answers: which content is stored several times because repositories do not share it?
-- Parameters: none; tables places, roots, items, reach of one state.
-- Columns: registry, digest, role, size, copies, wasted_bytes, wasted_high_bytes, repositories,
--          found_in (one of them), dedup_scope, complete.
WITH
held AS (
    SELECT DISTINCT places.registry, places.place, places.scope, places.storage, reach.item
    FROM (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops
    JOIN places USING (place)
    JOIN reach USING (root)
    WHERE reach.stored
),
repeats AS (
    SELECT
        registry,
        item,
        count(DISTINCT storage) AS copies,
        count(DISTINCT scope) AS least_copies,
        count(*) AS repositories,
        -- Places are numbered by name: the first repository, as an example.
        min(place) AS place
    FROM held
    GROUP BY registry, item
    HAVING count(DISTINCT storage) > 1
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    repeats.registry,
    items.digest,
    items.role,
    items.size,
    repeats.copies,
    items.size * (repeats.least_copies - 1) AS wasted_bytes,
    items.size * (repeats.copies - 1) AS wasted_high_bytes,
    repeats.repositories,
    places.repository AS found_in,
    registries.dedup_scope,
    registries.complete AND items.known AS complete
FROM repeats
JOIN items USING (item)
JOIN places USING (place)
JOIN registries ON registries.registry = repeats.registry
ORDER BY wasted_bytes DESC, wasted_high_bytes DESC, items.size DESC, repeats.registry, items.digest
