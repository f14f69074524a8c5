-- Answers: how many bytes does each namespace hold: the first part of its repositories' names?
-- Parameters: none; tables places, items, holdings, usage_by_repository.
-- Columns: state, registry, namespace ('': repositories with a name of one part), repositories, tags,
--          logical_bytes, physical_low_bytes, physical_high_bytes, exclusive_bytes, foreign_bytes,
--          dedup_scope, complete.
WITH
named AS (
    SELECT
        *,
        CASE WHEN contains(repository, '/') THEN split_part(repository, '/', 1) ELSE '' END
            AS namespace
    FROM places
),
namespaces AS (
    SELECT
        named.state,
        named.registry,
        namespace,
        count(*) AS repositories,
        sum(own.tags) AS tags,
        sum(own.logical_bytes) AS logical,
        any_value(named.dedup_scope) AS dedup_scope,
        bool_and(own.complete) AS complete
    FROM named
    JOIN usage_by_repository AS own USING (place)
    GROUP BY named.state, named.registry, namespace
),
held AS (
    SELECT DISTINCT state, registry, namespace, scope, storage, item, stored
    FROM holdings
    JOIN named USING (place)
),
elsewhere AS (
    SELECT state, registry, namespace, sum(size) AS size
    FROM (
        SELECT state, registry, namespace, item FROM held GROUP BY ALL HAVING NOT bool_or(stored)
    ) AS foreign_items
    JOIN items USING (item)
    GROUP BY state, registry, namespace
),
-- Once for each scope: what is stored where all that may share do.
least AS (
    SELECT
        state,
        registry,
        namespace,
        item,
        count(*) OVER (PARTITION BY scope, item) AS holders
    FROM (SELECT DISTINCT state, registry, namespace, scope, item FROM held WHERE stored) AS once
),
least_sizes AS (
    SELECT
        state,
        registry,
        namespace,
        sum(size) AS size,
        sum(size) FILTER (WHERE holders = 1) AS exclusive
    FROM least
    JOIN items USING (item)
    GROUP BY state, registry, namespace
),
most_sizes AS (
    SELECT state, registry, namespace, sum(size) AS size
    FROM (SELECT DISTINCT state, registry, namespace, storage, item FROM held WHERE stored) AS once
    JOIN items USING (item)
    GROUP BY state, registry, namespace
)
SELECT
    state,
    registry,
    namespace,
    repositories,
    tags,
    logical AS logical_bytes,
    coalesce(least_sizes.size, 0) AS physical_low_bytes,
    coalesce(most_sizes.size, 0) AS physical_high_bytes,
    coalesce(least_sizes.exclusive, 0) AS exclusive_bytes,
    coalesce(elsewhere.size, 0) AS foreign_bytes,
    dedup_scope,
    complete
FROM namespaces
LEFT JOIN least_sizes USING (state, registry, namespace)
LEFT JOIN most_sizes USING (state, registry, namespace)
LEFT JOIN elsewhere USING (state, registry, namespace)
ORDER BY physical_high_bytes DESC, registry, namespace, state
