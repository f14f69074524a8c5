-- What `Rule(keep_last=10, older_than=timedelta(days=30), keep_tags=(r"^v\d+$",))` would delete and
-- free, as one who knows DuckDB would write it for this rule and one snapshot of a registry that
-- stores each blob once. Over views of the snapshot's files, of which `manifests` also tells file_row_number. The variable now is a time.
CREATE TEMP TABLE place AS
SELECT (row_number() OVER ())::INTEGER AS place, repository FROM repositories;

CREATE TEMP TABLE manifest AS
SELECT
    file_row_number::INTEGER AS id,
    digest,
    CASE
        WHEN created_at BETWEEN '2013-03-20 00:00:00Z'::TIMESTAMPTZ AND (SELECT taken_at FROM snapshots)
            THEN created_at
    END AS made_at
FROM manifests;

CREATE TEMP TABLE child AS
SELECT parent.id AS parent, child.id AS child
FROM children
JOIN manifest AS parent ON parent.digest = children.parent
JOIN manifest AS child ON child.digest = children.child;

-- An index is as young as the newest of what it holds.
CREATE TEMP TABLE young AS
WITH RECURSIVE below AS (
    SELECT DISTINCT parent AS id, parent AS node FROM child
    UNION
    SELECT below.id, child.child FROM below JOIN child ON child.parent = below.node
)
SELECT below.id, max(manifest.made_at) AS made_at
FROM below
JOIN manifest ON manifest.id = below.node
GROUP BY below.id;

-- By cosign's tag, or by the field subject.
CREATE TEMP TABLE referrer AS
SELECT place, subject.id AS subject, own.id AS id, TRUE AS by_tag
FROM tags
JOIN place USING (repository)
JOIN manifest AS own USING (digest)
JOIN manifest AS subject ON subject.digest = replace(left(tags.tag, 71), '-', ':')
WHERE starts_with(tags.tag, 'sha256-')
UNION
SELECT place, subject.id, own.id, by_tag
FROM (
    SELECT repository, digest, TRUE AS by_tag FROM tags
    UNION ALL
    SELECT repository, digest, FALSE FROM untagged
) AS here
JOIN (SELECT digest, subject FROM manifests WHERE subject IS NOT NULL) AS about USING (digest)
JOIN place USING (repository)
JOIN manifest AS own USING (digest)
JOIN manifest AS subject ON subject.digest = about.subject;

CREATE TEMP TABLE version AS
WITH
judged AS (
    SELECT
        place.place,
        manifest.id,
        tags.tag,
        CASE
            WHEN tags.pushed_at IS NULL THEN coalesce(young.made_at, manifest.made_at)
            WHEN tags.pushed_at BETWEEN '2013-03-20 00:00:00Z'::TIMESTAMPTZ AND (SELECT taken_at FROM snapshots)
                THEN tags.pushed_at
        END AS dated
    FROM tags
    JOIN place USING (repository)
    JOIN manifest USING (digest)
    LEFT JOIN young USING (id)
    WHERE NOT starts_with(tags.tag, 'sha256-')
),
counted AS (
    SELECT
        place,
        id,
        count(*)::INTEGER AS tags,
        (count(*) FILTER (
            WHERE dated < getvariable('now')::TIMESTAMPTZ - INTERVAL 30 DAY
                AND NOT regexp_matches(tag, '^v\d+$')
        ))::INTEGER AS selected,
        max(dated) AS dated,
        max(tag) AS last_tag
    FROM judged
    GROUP BY place, id
)
SELECT
    place,
    id,
    tags,
    CASE
        WHEN dated IS NOT NULL
            AND row_number() OVER (PARTITION BY place ORDER BY dated DESC NULLS LAST, last_tag DESC) > 10
            THEN selected
        ELSE 0
    END AS leaving
FROM counted;

CREATE TEMP TABLE held AS
WITH RECURSIVE
tops AS (
    SELECT place, id, leaving < tags AS kept FROM version
    UNION ALL
    SELECT place, manifest.id, TRUE
    FROM untagged
    JOIN place USING (repository)
    JOIN manifest USING (digest)
    ANTI JOIN referrer ON referrer.place = place.place AND referrer.id = manifest.id
    ANTI JOIN child ON child.child = manifest.id
),
reached AS (
    SELECT tops.*
    FROM tops
    SEMI JOIN (SELECT parent AS id FROM child UNION ALL SELECT subject FROM referrer) AS leads USING (id)
    UNION
    (
        SELECT reached.place, child.child, reached.kept
        FROM reached
        JOIN child ON child.parent = reached.id
        UNION ALL
        SELECT reached.place, referrer.id, reached.kept
        FROM reached
        JOIN referrer ON referrer.place = reached.place AND referrer.subject = reached.id
    )
)
SELECT place, id, bool_or(kept) AS kept
FROM (FROM tops UNION ALL FROM reached) AS every
GROUP BY place, id;

CREATE TEMP TABLE here AS
SELECT manifest.digest, once.kept
FROM (SELECT id, bool_or(kept) AS kept FROM held GROUP BY id) AS once
JOIN manifest USING (id);

WITH
pieces AS (
    SELECT digest, size, kept, TRUE AS stored FROM here JOIN manifests USING (digest)
    UNION ALL
    SELECT config_digest, config_size, kept, TRUE
    FROM here
    JOIN manifests USING (digest)
    WHERE config_digest IS NOT NULL
    UNION ALL
    SELECT layers.blob, layers.size, here.kept, NOT layers."foreign"
    FROM layers
    JOIN here ON here.digest = layers.manifest
),
blobs AS (
    SELECT max(size) AS size, bool_or(kept) AS kept
    FROM pieces
    GROUP BY digest
    HAVING bool_or(stored)
)
SELECT
    (SELECT sum(leaving) FROM version)
    + (
        SELECT count(*)
        FROM (SELECT DISTINCT place, id FROM referrer WHERE by_tag) AS tagged
        JOIN held USING (place, id)
        WHERE NOT held.kept
    ) AS tags_deleted,
    (SELECT count(*) FROM held WHERE NOT kept) AS manifests_deleted,
    coalesce(sum(size) FILTER (WHERE NOT kept), 0) AS bytes_freed,
    coalesce(sum(size) FILTER (WHERE kept), 0) AS bytes_kept
FROM blobs;
