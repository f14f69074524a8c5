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
reached AS (
    SELECT DISTINCT
        places.state, places.registry, places.scope, places.storage, reach.item, reach.stored
    FROM (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops
    JOIN places USING (place)
    JOIN reach USING (root)
),
held AS (
    SELECT * FROM reached WHERE stored
),
elsewhere AS (
    SELECT state, registry, sum(size) AS size
    FROM (
        SELECT state, registry, item FROM reached GROUP BY ALL HAVING NOT bool_or(stored)
    ) AS foreign_items
    JOIN items USING (item)
    GROUP BY state, registry
),
least AS (
    SELECT state, registry, sum(size) AS size
    FROM (SELECT DISTINCT state, registry, scope, item FROM held) AS once
    JOIN items USING (item)
    GROUP BY state, registry
),
most AS (
    SELECT
        state,
        registry,
        sum(size) AS size,
        count(DISTINCT item) FILTER (WHERE role = 'manifest') AS manifests,
        count(DISTINCT item) FILTER (WHERE role <> 'manifest') AS blobs
    FROM (SELECT DISTINCT state, registry, storage, item FROM held) AS once
    JOIN items USING (item)
    GROUP BY state, registry
)
SELECT
    state,
    registry,
    coalesce(added_up.repositories, 0) AS repositories,
    coalesce(added_up.tags, 0) AS tags,
    coalesce(most.manifests, 0) AS manifests,
    coalesce(most.blobs, 0) AS blobs,
    coalesce(added_up.logical, 0) AS logical_bytes,
    coalesce(least.size, 0) AS physical_low_bytes,
    coalesce(most.size, 0) AS physical_high_bytes,
    coalesce(added_up.exclusive, 0) AS exclusive_bytes,
    coalesce(elsewhere.size, 0) AS foreign_bytes,
    registries.dedup_scope,
    registries.complete AND coalesce(added_up.complete, TRUE) AS complete,
    registries.taken_at
FROM registries
LEFT JOIN added_up USING (state, registry)
LEFT JOIN least USING (state, registry)
LEFT JOIN most USING (state, registry)
LEFT JOIN elsewhere USING (state, registry)
ORDER BY physical_high_bytes DESC, registry, state
