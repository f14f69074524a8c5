-- Answers: how many bytes does each registry hold in each state?
-- Parameters: none; tables states, places, roots, items, reach, usage_by_repository.
-- Columns: state, registry, repositories, tags, manifests, blobs, logical_bytes,
--          physical_low_bytes, physical_high_bytes, exclusive_bytes, foreign_bytes, dedup_scope, complete, taken_at.
WITH
troubled AS (
    SELECT DISTINCT snapshot FROM problems
),
registries AS (
    SELECT
        states.state,
        snapshots.registry,
        max(snapshots.taken_at) AS taken_at,
        max_by(snapshots.dedup_scope, (snapshots.taken_at, snapshots.snapshot)) AS dedup_scope,
        bool_and(snapshots.complete AND troubled.snapshot IS NULL) AS complete
    FROM states
    JOIN snapshots ON snapshots.snapshot = states.snapshot
    LEFT JOIN troubled ON troubled.snapshot = snapshots.snapshot
    GROUP BY states.state, snapshots.registry
),
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
-- In numbers, which group faster; a storage lies within one scope, and that within one registry.
numbered AS (
    SELECT
        place,
        state,
        registry,
        scope,
        storage,
        (dense_rank() OVER (ORDER BY state, registry))::INTEGER AS number
    FROM places
),
storages AS (
    SELECT DISTINCT storage, scope, number FROM numbered
),
reached AS (
    SELECT numbered.storage, reach.item, bool_or(reach.stored) AS stored
    FROM (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops
    JOIN numbered USING (place)
    JOIN reach USING (root)
    GROUP BY numbered.storage, reach.item
),
once AS (
    SELECT storages.number, reached.item, bool_or(reached.stored) AS stored
    FROM reached
    JOIN storages USING (storage)
    GROUP BY storages.number, reached.item
),
totals AS (
    SELECT
        once.number,
        count(*) FILTER (WHERE stored AND role = 'manifest') AS manifests,
        count(*) FILTER (WHERE stored AND role <> 'manifest') AS blobs,
        sum(size) FILTER (WHERE NOT stored) AS elsewhere
    FROM once
    JOIN items USING (item)
    GROUP BY once.number
),
least AS (
    SELECT scopes.number, sum(items.size) AS size
    FROM (
        SELECT DISTINCT storages.scope, reached.item
        FROM reached
        JOIN storages USING (storage)
        WHERE reached.stored
    ) AS held
    JOIN (SELECT DISTINCT scope, number FROM storages) AS scopes USING (scope)
    JOIN items USING (item)
    GROUP BY scopes.number
),
most AS (
    SELECT storages.number, sum(items.size) AS size
    FROM reached
    JOIN storages USING (storage)
    JOIN items USING (item)
    WHERE reached.stored
    GROUP BY storages.number
),
sizes AS (
    SELECT
        names.state,
        names.registry,
        totals.manifests,
        totals.blobs,
        totals.elsewhere,
        least.size AS least,
        most.size AS most
    FROM (SELECT DISTINCT state, registry, number FROM numbered) AS names
    LEFT JOIN totals USING (number)
    LEFT JOIN least USING (number)
    LEFT JOIN most USING (number)
)
SELECT
    state,
    registry,
    coalesce(added_up.repositories, 0) AS repositories,
    coalesce(added_up.tags, 0) AS tags,
    coalesce(sizes.manifests, 0) AS manifests,
    coalesce(sizes.blobs, 0) AS blobs,
    coalesce(added_up.logical, 0) AS logical_bytes,
    coalesce(sizes.least, 0) AS physical_low_bytes,
    coalesce(sizes.most, 0) AS physical_high_bytes,
    coalesce(added_up.exclusive, 0) AS exclusive_bytes,
    coalesce(sizes.elsewhere, 0) AS foreign_bytes,
    registries.dedup_scope,
    registries.complete AND coalesce(added_up.complete, TRUE) AS complete,
    registries.taken_at
FROM registries
LEFT JOIN added_up USING (state, registry)
LEFT JOIN sizes USING (state, registry)
ORDER BY physical_high_bytes DESC, registry, state
