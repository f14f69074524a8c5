-- Answers: which tags, and which untagged manifests, does a rule select, but for keep_last?
-- Parameters: the variables earliest, older_than (a time), delete_tag, keep_tag (RE2; NULL: not
--             given), only_untagged, never_pulled, has_condition; tables places, nodes, dates,
--             others, protected.
-- Columns: place, node, tag (NULL: untagged), dated, selected, reason (why not), rule (which one).
WITH
scans AS (
    SELECT places.scan, any_value(snapshots.taken_at) AS taken_at
    FROM places
    JOIN snapshots USING (snapshot)
    GROUP BY places.scan
),
-- A registry that never tells a pull cannot say that there was none.
tell_pulls AS (
    SELECT DISTINCT places.scan
    FROM (
        SELECT snapshot FROM tags WHERE pulled_at IS NOT NULL
        UNION
        SELECT snapshot FROM untagged WHERE pulled_at IS NOT NULL
    ) AS pulled
    JOIN places USING (snapshot)
    WHERE getvariable('never_pulled')
),
held AS (
    SELECT places.place, places.scan, nodes.node, tags.tag, tags.pushed_at, tags.pulled_at
    FROM tags
    JOIN places ON places.snapshot = tags.snapshot AND places.repository = tags.repository
    -- What could not be read is nothing to judge.
    JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
    WHERE NOT is_referrer_tag(tags.tag)
    UNION ALL
    SELECT others.place, nodes.scan, others.node, NULL, others.pushed_at, others.pulled_at
    FROM others
    JOIN nodes USING (node)
    WHERE others.tag IS NULL
),
aged AS (
    SELECT
        held.place,
        held.node,
        held.tag,
        held.pulled_at,
        tell_pulls.scan IS NOT NULL AS tells_pulls,
        protected.node IS NOT NULL AS is_protected,
        -- The registry's word is better than the image's; one that cannot be true is none.
        CASE
            WHEN held.pushed_at IS NULL THEN dates.made_at
            WHEN held.pushed_at BETWEEN getvariable('earliest') AND scans.taken_at
                THEN held.pushed_at
        END AS dated
    FROM held
    JOIN scans USING (scan)
    JOIN dates USING (node)
    LEFT JOIN tell_pulls USING (scan)
    LEFT JOIN protected ON protected.place = held.place AND protected.node = held.node
)
SELECT
    place,
    node,
    tag,
    dated,
    CASE
        WHEN is_protected THEN 'in use'
        WHEN NOT getvariable('has_condition') THEN 'no condition selects anything'
        WHEN tag IS NOT NULL AND getvariable('only_untagged') THEN 'has a tag'
        WHEN tag IS NULL AND NOT getvariable('only_untagged') THEN 'has no tag'
        WHEN tag IS NULL AND getvariable('delete_tag') IS NOT NULL THEN 'has no tag'
        WHEN
            tag IS NOT NULL
            AND getvariable('keep_tag') IS NOT NULL
            AND regexp_matches(tag, getvariable('keep_tag'))
            THEN 'its tag is kept'
        WHEN
            tag IS NOT NULL
            AND getvariable('delete_tag') IS NOT NULL
            AND NOT regexp_matches(tag, getvariable('delete_tag'))
            THEN 'its tag is not among those to delete'
        WHEN getvariable('older_than') IS NOT NULL AND dated IS NULL THEN 'has no date to believe'
        WHEN getvariable('older_than') IS NOT NULL AND dated >= getvariable('older_than')
            THEN 'too young'
        WHEN getvariable('never_pulled') AND NOT tells_pulls THEN 'nobody tells its pulls'
        WHEN getvariable('never_pulled') AND pulled_at IS NOT NULL THEN 'was pulled'
    END AS reason,
    reason IS NULL AS selected,
    getvariable('rule') AS rule
FROM aged
