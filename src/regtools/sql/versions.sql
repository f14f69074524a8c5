-- Answers: which versions of a repository go, tags on one digest being one version?
-- Parameters: the variable keep_last (NULL: not given); table judged.
-- Columns: place, node, tagged, holders (tags, or one where it has none), selected (of these, but
--          for keep_last), rank (1: the newest; NULL: not dated, or untagged), leaving (of the
--          holders).
WITH
counted AS (
    SELECT
        place::INTEGER AS place,
        node::INTEGER AS node,
        bool_or(tag IS NOT NULL) AS tagged,
        count(*)::INTEGER AS holders,
        (count(*) FILTER (WHERE selected))::INTEGER AS selected,
        max(dated) AS dated,
        -- Between two that are equally old, the name decides, so that the answer is always the same.
        max(tag) AS last_tag
    FROM judged
    GROUP BY ALL
),
ranked AS (
    SELECT
        place,
        node,
        tagged,
        holders,
        selected,
        CASE
            WHEN tagged AND dated IS NOT NULL THEN
                (row_number() OVER (
                    PARTITION BY place, tagged ORDER BY dated DESC NULLS LAST, last_tag DESC
                ))::INTEGER
        END AS rank
    FROM counted
)
SELECT
    *,
    CASE
        WHEN
            getvariable('keep_last') IS NULL
            OR NOT tagged
            OR coalesce(rank > getvariable('keep_last'), FALSE)
            THEN selected
        ELSE 0
    END AS leaving
FROM ranked
