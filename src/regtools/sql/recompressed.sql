-- Answers: which layers are stored several times because they were compressed differently: the same
--          uncompressed content (diff_id), another digest?
-- Parameters: none; tables places, roots, items, reach of one state, layers.
-- Columns: registry, diff_id, copies, digests, sizes, wasted_bytes, wasted_high_bytes, found_in,
--          dedup_scope, complete.
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
-- Within one bound, the smallest copy would do.
least AS (
    SELECT registry, diff_id, sum(bytes) AS bytes
    FROM (
        SELECT registry, diff_id, sum(size) - min(size) AS bytes
        FROM (SELECT DISTINCT registry, storage, diff_id, item FROM held) AS once
        JOIN items USING (item)
        GROUP BY registry, storage, diff_id
    ) AS bounds
    GROUP BY registry, diff_id
),
most AS (
    SELECT registry, diff_id, sum(bytes) AS bytes
    FROM (
        SELECT registry, diff_id, sum(size) - min(size) AS bytes
        FROM (SELECT DISTINCT registry, scope, diff_id, item FROM held) AS once
        JOIN items USING (item)
        GROUP BY registry, scope, diff_id
    ) AS bounds
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
    SELECT registry, diff_id, list(repository ORDER BY repository) AS found_in
    FROM (SELECT DISTINCT registry, diff_id, place FROM held) AS once
    JOIN places USING (registry, place)
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
    least.bytes AS wasted_bytes,
    most.bytes AS wasted_high_bytes,
    homes.found_in,
    registries.dedup_scope,
    registries.complete AND copies.known AS complete
FROM copies
JOIN least USING (registry, diff_id)
JOIN most USING (registry, diff_id)
JOIN homes USING (registry, diff_id)
JOIN registries USING (registry)
ORDER BY wasted_bytes DESC, wasted_high_bytes DESC, registry, diff_id
