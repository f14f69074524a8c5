-- Answers: which snapshot speaks for each repository of a state, and with whom it shares storage?
-- Parameters: none; table states(state, snapshot): a state is what was known at one moment.
-- Columns: place, state, registry, repository, snapshot, scan (its number), scope, storage,
--          dedup_scope, complete.
WITH
-- A registry may be scanned whole and by namespace: the newest scan that covers a repository wins.
sources AS (
    SELECT
        states.state,
        snapshots.*,
        row_number() OVER (
            PARTITION BY states.state, snapshots.registry
            ORDER BY snapshots.taken_at, snapshots.snapshot
        ) AS recency
    FROM states
    JOIN snapshots ON snapshots.snapshot = states.snapshot
),
-- How a registry stores is one fact about it: the newest scan tells.
registries AS (
    SELECT state, registry, max_by(dedup_scope, recency) AS dedup_scope
    FROM sources
    GROUP BY state, registry
),
seen AS (
    SELECT snapshot, repository FROM repositories
    UNION
    SELECT snapshot, repository FROM tags
    UNION
    SELECT snapshot, repository FROM untagged
),
spoken_for AS (
    SELECT own.state, own.registry, seen.repository, own.snapshot, own.complete
    FROM sources AS own
    JOIN seen ON seen.snapshot = own.snapshot
    JOIN sources AS cover
        ON cover.state = own.state
        AND cover.registry = own.registry
        AND (
            cover.namespace = ''
            OR cover.namespace = seen.repository
            OR starts_with(seen.repository, cover.namespace || '/')
            OR cover.snapshot = own.snapshot
        )
    GROUP BY own.state, own.registry, seen.repository, own.snapshot, own.complete, own.recency
    HAVING max(cover.recency) = own.recency
),
-- Where the scope is unknown, sharing is possible in the whole registry (scope), and bytes are
-- counted as if no repository shared (storage): a lower and an upper bound.
placed AS (
    SELECT
        spoken_for.*,
        registries.dedup_scope,
        CASE
            WHEN registries.dedup_scope = 'repository' THEN repository
            WHEN registries.dedup_scope IN ('namespace', 'project') THEN split_part(repository, '/', 1)
            ELSE ''
        END AS scope_name,
        CASE
            WHEN registries.dedup_scope IN ('repository', 'unknown') THEN repository
            WHEN registries.dedup_scope IN ('namespace', 'project') THEN split_part(repository, '/', 1)
            ELSE ''
        END AS storage_name
    FROM spoken_for
    JOIN registries USING (state, registry)
),
-- A problem without a repository is one of the registry, and so of each repository.
troubled AS (
    SELECT DISTINCT snapshot, repository FROM problems
)
SELECT
    (row_number() OVER (ORDER BY state, registry, placed.repository))::INTEGER AS place,
    state,
    registry,
    placed.repository,
    placed.snapshot,
    (dense_rank() OVER (ORDER BY placed.snapshot))::INTEGER AS scan,
    (dense_rank() OVER (ORDER BY state, registry, scope_name))::INTEGER AS scope,
    (dense_rank() OVER (ORDER BY state, registry, storage_name))::INTEGER AS storage,
    dedup_scope,
    complete AND own.snapshot IS NULL AND whole.snapshot IS NULL AS complete
FROM placed
LEFT JOIN troubled AS own
    ON own.snapshot = placed.snapshot AND own.repository = placed.repository
LEFT JOIN troubled AS whole
    ON whole.snapshot = placed.snapshot AND whole.repository = ''
ORDER BY place
