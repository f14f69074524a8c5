-- Answers: which tags, and which untagged manifests, does a rule select, but for keep_last?
-- Parameters: the variables earliest, older_than (a time), delete_tag, keep_tag (RE2; NULL: not
--             given), only_untagged, never_pulled, has_condition; tables places, dates, tagged,
--             others, protected.
-- Columns: place, node, tag (NULL: untagged), dated, selected, reason (why not), rule (which one).
WITH
-- A registry that never tells a pull cannot say that there was none.
tell_pulls AS (
    SELECT snapshot FROM tags WHERE pulled_at IS NOT NULL AND getvariable('never_pulled')
    UNION
    SELECT snapshot FROM untagged WHERE pulled_at IS NOT NULL AND getvariable('never_pulled')
),
told AS (
    SELECT
        places.place, snapshots.taken_at, tell_pulls.snapshot IS NOT NULL AS tells_pulls
    FROM places
    JOIN snapshots USING (snapshot)
    LEFT JOIN tell_pulls USING (snapshot)
),
held AS (
    -- What could not be read is nothing to judge.
    SELECT place, node, tag, pushed_at, pulled_at, locked
    FROM tagged
    WHERE NOT refers AND node IS NOT NULL
    UNION ALL
    SELECT place, node, NULL, pushed_at, pulled_at, locked
    FROM others
    WHERE tag IS NULL AND node IS NOT NULL
),
aged AS (
    SELECT
        held.place,
        held.node,
        held.tag,
        held.pulled_at,
        held.locked,
        told.tells_pulls,
        protected.node IS NOT NULL AS is_protected,
        -- The registry's word is better than the image's; one that cannot be true is none.
        CASE
            WHEN held.pushed_at IS NULL THEN dates.made_at
            WHEN held.pushed_at BETWEEN getvariable('earliest') AND told.taken_at
                THEN held.pushed_at
        END AS dated
    FROM held
    JOIN told USING (place)
    -- Asked only where the registry does not tell.
    LEFT JOIN dates ON dates.node = CASE WHEN held.pushed_at IS NULL THEN held.node END
    LEFT JOIN protected ON protected.place = held.place AND protected.node = held.node
)
SELECT
    place,
    node,
    tag,
    dated,
    CASE
        WHEN is_protected THEN 'in use'
        WHEN locked THEN 'is locked'
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
