-- Answers: which stored bytes came between state 1 and state 2, which went, and who held them?
-- Parameters: none; tables places, roots, items, reach (two states).
-- Columns: registry, repository, tag ('' for what has none), digest (of the layer or manifest), role,
--          size, holders (tags that held it in its storage), place_in_line (from 1), sign (1: it came,
--          -1: it went).
WITH
held AS (
    SELECT DISTINCT
        places.state,
        places.registry,
        -- Within what a blob is stored once; the numbers of scopes differ from state to state.
        CASE
            WHEN places.dedup_scope IN ('repository', 'unknown') THEN places.repository
            WHEN places.dedup_scope IN ('namespace', 'project')
                THEN split_part(places.repository, '/', 1)
            ELSE ''
        END AS storage,
        places.repository,
        coalesce(roots.tag, '') AS tag,
        reach.item
    FROM roots
    JOIN places USING (place)
    JOIN reach USING (root)
    WHERE reach.stored AND NOT roots.follows
),
stored AS (
    SELECT DISTINCT state, registry, storage, item FROM held
),
changed AS (
    SELECT coalesce(after.registry, before.registry) AS registry,
        coalesce(after.storage, before.storage) AS storage,
        coalesce(after.item, before.item) AS item,
        CASE WHEN before.item IS NULL THEN 2 ELSE 1 END AS state,
        CASE WHEN before.item IS NULL THEN 1 ELSE -1 END AS sign
    FROM (FROM stored WHERE state = 2) AS after
    FULL JOIN (FROM stored WHERE state = 1) AS before
        ON after.registry = before.registry
        AND after.storage = before.storage
        AND after.item = before.item
    WHERE after.item IS NULL OR before.item IS NULL
)
SELECT
    changed.registry,
    held.repository,
    held.tag,
    items.digest,
    items.role,
    items.size,
    count(*) OVER (PARTITION BY changed.registry, changed.storage, changed.item) AS holders,
    row_number() OVER (
        PARTITION BY changed.registry, changed.storage, changed.item
        ORDER BY held.repository, held.tag
    ) AS place_in_line,
    changed.sign
FROM changed
JOIN held USING (state, registry, storage, item)
JOIN items USING (item)
ORDER BY ALL
