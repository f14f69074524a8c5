-- Answers: how many bytes does each registry hold in each state?
-- Parameters: none; tables places, items, holdings, observed, usage_by_repository.
-- Columns: state, registry, repositories, tags, manifests, blobs, logical_bytes,
--          physical_low_bytes, physical_high_bytes, exclusive_bytes, foreign_bytes, dedup_scope, complete, taken_at.
WITH
added_up AS (
    SELECT
        state,
        registry,
        count(*) AS repositories,
        sum(tags) AS tags,
        sum(logical_bytes) AS logical,
        sum(exclusive_bytes) AS exclusive,
        bool_and(complete) AS complete
    FROM usage_by_repository
    GROUP BY state, registry
),
-- In numbers, which group faster.
numbered AS (
    SELECT
        place,
        storage,
        (dense_rank() OVER (ORDER BY state, registry))::INTEGER AS number
    FROM places
),
reached AS (
    SELECT numbered.storage, holdings.item, bool_or(holdings.stored) AS stored
    FROM holdings
    JOIN numbered USING (place)
    GROUP BY numbered.storage, holdings.item
),
once AS (
    SELECT
        storages.number,
        reached.item,
        bool_or(reached.stored) AS stored,
        count(*) FILTER (WHERE reached.stored) AS copies
    FROM reached
    JOIN (SELECT DISTINCT storage, number FROM numbered) AS storages USING (storage)
    GROUP BY storages.number, reached.item
),
totals AS (
    SELECT
        once.number,
        count(*) FILTER (WHERE stored AND role = 'manifest') AS manifests,
        count(*) FILTER (WHERE stored AND role <> 'manifest') AS blobs,
        sum(size) FILTER (WHERE stored) AS shared,
        sum(size * copies) FILTER (WHERE stored) AS apart,
        sum(size) FILTER (WHERE NOT stored) AS elsewhere
    FROM once
    JOIN items USING (item)
    GROUP BY once.number
),
names AS (
    SELECT DISTINCT places.state, places.registry, numbered.number
    FROM places
    JOIN numbered USING (place)
),
sizes AS (
    SELECT names.state, names.registry, totals.*
    FROM names
    JOIN totals USING (number)
)
SELECT
    state,
    registry,
    coalesce(added_up.repositories, 0) AS repositories,
    coalesce(added_up.tags, 0) AS tags,
    coalesce(sizes.manifests, 0) AS manifests,
    coalesce(sizes.blobs, 0) AS blobs,
    coalesce(added_up.logical, 0) AS logical_bytes,
    -- Only where the scope is unknown may they be shared, or stored apart.
    coalesce(CASE WHEN dedup_scope = 'unknown' THEN sizes.shared ELSE sizes.apart END, 0)
        AS physical_low_bytes,
    coalesce(sizes.apart, 0) AS physical_high_bytes,
    coalesce(added_up.exclusive, 0) AS exclusive_bytes,
    coalesce(sizes.elsewhere, 0) AS foreign_bytes,
    observed.dedup_scope,
    observed.complete AND coalesce(added_up.complete, TRUE) AS complete,
    observed.taken_at
FROM observed
LEFT JOIN added_up USING (state, registry)
LEFT JOIN sizes USING (state, registry)
ORDER BY physical_high_bytes DESC, registry, state
