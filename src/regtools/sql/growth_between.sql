-- Answers: which stored bytes came from one state to the next, which went, and who held them?
-- Parameters: none; tables places, roots, items, reach, holdings, steps(step, before_state, after_state).
-- Columns: step, registry, storage (within what a blob is stored once), repository, tag ('' for what
--          has none), digest (of the layer or manifest), role, size, holders (tags that held it in
--          its storage), place_in_line (from 1), sign (1: it came, -1: it went).
WITH
-- Names, since the numbers of scopes differ from state to state.
storages AS (
    SELECT
        place,
        state,
        registry,
        repository,
        CASE
            WHEN dedup_scope IN ('repository', 'unknown') THEN repository
            WHEN dedup_scope IN ('namespace', 'project') THEN split_part(repository, '/', 1)
            ELSE ''
        END AS storage
    FROM places
),
stored AS (
    SELECT DISTINCT storages.state, storages.registry, storages.storage, holdings.item
    FROM holdings
    JOIN storages USING (place)
    WHERE holdings.stored
),
before AS (
    SELECT steps.step, stored.* FROM steps JOIN stored ON stored.state = steps.before_state
),
after AS (
    SELECT steps.step, stored.* FROM steps JOIN stored ON stored.state = steps.after_state
),
changed AS (
    SELECT
        step,
        registry,
        storage,
        item,
        coalesce(after.state, before.state) AS state,
        CASE WHEN before.item IS NULL THEN 1 ELSE -1 END AS sign
    FROM before
    FULL JOIN after USING (step, registry, storage, item)
    WHERE before.state IS NULL OR after.state IS NULL
),
held AS (
    SELECT DISTINCT
        changed.*,
        storages.repository,
        coalesce(roots.tag, '') AS tag
    FROM changed
    JOIN reach USING (item)
    JOIN roots USING (root)
    JOIN storages USING (place, state, registry, storage)
    WHERE reach.stored AND NOT roots.follows
)
SELECT
    held.step,
    held.registry,
    held.storage,
    held.repository,
    held.tag,
    items.digest,
    items.role,
    items.size,
    count(*) OVER (PARTITION BY step, registry, storage, item) AS holders,
    row_number() OVER (
        PARTITION BY step, registry, storage, item
        ORDER BY held.repository, held.tag
    ) AS place_in_line,
    held.sign
FROM held
JOIN items USING (item)
ORDER BY ALL
