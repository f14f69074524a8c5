-- Answers: which layers are stored several times because they were compressed differently: the same
--          uncompressed content (diff_id), another digest?
-- Parameters: none; tables places, roots, items, reach of one state, layers.
-- Columns: registry, diff_id, copies, digests, sizes, wasted_bytes, wasted_high_bytes, repositories,
--          found_in (one of them), dedup_scope, complete.
WITH
told AS (
    SELECT DISTINCT items.item, layers.diff_id
    FROM layers
    JOIN items ON items.digest = layers.blob
    WHERE layers.diff_id IS NOT NULL AND NOT layers."foreign"
),
twins AS (
    SELECT item, diff_id
    FROM told
    SEMI JOIN (SELECT diff_id FROM told GROUP BY diff_id HAVING count(*) > 1) AS several
        USING (diff_id)
),
held AS (
    SELECT DISTINCT
        places.registry, places.place, places.scope, places.storage, twins.diff_id, twins.item
    FROM twins
    JOIN reach USING (item)
    JOIN (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops USING (root)
    JOIN places USING (place)
    WHERE reach.stored
),
-- Where all that share do, the smallest copy would be enough for them.
apart AS (
    SELECT registry, diff_id, sum(bytes) AS bytes
    FROM (
        SELECT registry, diff_id, sum(size) - min(size) AS bytes
        FROM (SELECT DISTINCT registry, storage, diff_id, item FROM held) AS once
        JOIN items USING (item)
        GROUP BY registry, storage, diff_id
    ) AS storages
    GROUP BY registry, diff_id
),
together AS (
    SELECT registry, diff_id, sum(bytes) AS bytes
    FROM (
        SELECT registry, diff_id, sum(size) - min(size) AS bytes
        FROM (SELECT DISTINCT registry, scope, diff_id, item FROM held) AS once
        JOIN items USING (item)
        GROUP BY registry, scope, diff_id
    ) AS scopes
    GROUP BY registry, diff_id
),
copies AS (
    SELECT
        registry,
        diff_id,
        count(*) AS copies,
        list(digest ORDER BY size, digest) AS digests,
        list(size ORDER BY size, digest) AS sizes,
        bool_and(known) AS known
    FROM (SELECT DISTINCT registry, diff_id, item FROM held) AS once
    JOIN items USING (item)
    GROUP BY registry, diff_id
    HAVING count(*) > 1
),
homes AS (
    -- Places are numbered by name: the first repository, as an example.
    SELECT registry, diff_id, count(DISTINCT place) AS repositories, min(place) AS place
    FROM held
    GROUP BY registry, diff_id
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    copies.registry,
    copies.diff_id,
    copies.copies,
    copies.digests,
    copies.sizes,
    -- Neither is always the smaller one: apart, two repositories may both have both copies.
    least(apart.bytes, together.bytes) AS wasted_bytes,
    greatest(apart.bytes, together.bytes) AS wasted_high_bytes,
    homes.repositories,
    places.repository AS found_in,
    registries.dedup_scope,
    registries.complete AND copies.known AS complete
FROM copies
JOIN apart USING (registry, diff_id)
JOIN together USING (registry, diff_id)
JOIN homes USING (registry, diff_id)
JOIN places USING (place)
JOIN registries ON registries.registry = copies.registry
ORDER BY wasted_bytes DESC, wasted_high_bytes DESC, copies.registry, diff_id
