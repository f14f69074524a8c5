-- Answers: which tags named one image after another, and when was that seen?
-- Parameters: none; tables places, moments(state, taken_at).
-- Columns: registry, repository, tag, moves, returns (moves to an image that it had named before),
--          digests (how many images), first_digest, last_digest, first_moved_at, last_moved_at.
WITH
named AS (
    SELECT
        moments.state,
        moments.taken_at,
        places.registry,
        places.repository,
        tags.tag,
        tags.digest
    FROM tags
    JOIN places USING (snapshot, repository)
    JOIN moments USING (state)
    WHERE NOT is_referrer_tag(tags.tag)
),
-- Most tags never move.
moved AS (
    SELECT registry, repository, tag
    FROM named
    GROUP BY registry, repository, tag
    HAVING min(digest) <> max(digest)
),
followed AS (
    SELECT
        *,
        lag(digest) OVER (PARTITION BY registry, repository, tag ORDER BY state) AS before,
        min(state) OVER (PARTITION BY registry, repository, tag, digest) AS first_state
    FROM named
    SEMI JOIN moved USING (registry, repository, tag)
)
SELECT
    registry,
    repository,
    tag,
    count(*) FILTER (WHERE digest <> before) AS moves,
    count(*) FILTER (WHERE digest <> before AND first_state < state) AS returns,
    count(DISTINCT digest) AS digests,
    min_by(digest, state) AS first_digest,
    max_by(digest, state) AS last_digest,
    min(taken_at) FILTER (WHERE digest <> before) AS first_moved_at,
    max(taken_at) FILTER (WHERE digest <> before) AS last_moved_at
FROM followed
GROUP BY registry, repository, tag
HAVING count(*) FILTER (WHERE digest <> before) > 0
ORDER BY moves DESC, registry, repository, tag
