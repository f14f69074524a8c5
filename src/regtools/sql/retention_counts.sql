-- Answers: how many tags and manifests go from each repository, and how many stay?
-- Parameters: none; tables places, tagged, others, versions, held.
-- Columns: registry, repository, tags, tags_deleted, versions, versions_kept, manifests,
--          manifests_deleted, complete, web_url.
WITH
-- Also those that could not be read.
of_tags AS (
    SELECT place, count(*) AS tags
    FROM tagged
    GROUP BY place
),
of_versions AS (
    SELECT
        place,
        coalesce(sum(leaving) FILTER (WHERE tagged), 0) AS tags_deleted,
        count(*) AS versions,
        count(*) FILTER (WHERE leaving < holders) AS versions_kept
    FROM versions
    GROUP BY place
),
of_referrers AS (
    SELECT others.place, count(*) AS tags_deleted
    FROM others
    JOIN held ON held.place = others.place AND held.node = others.node
    WHERE others.goes_along AND NOT held.kept
    GROUP BY others.place
),
of_manifests AS (
    SELECT
        place,
        count(*) AS manifests,
        count(*) FILTER (WHERE NOT kept) AS manifests_deleted
    FROM held
    GROUP BY place
)
SELECT
    places.registry,
    places.repository,
    coalesce(of_tags.tags, 0) AS tags,
    coalesce(of_versions.tags_deleted, 0) + coalesce(of_referrers.tags_deleted, 0) AS tags_deleted,
    coalesce(of_versions.versions, 0) AS versions,
    coalesce(of_versions.versions_kept, 0) AS versions_kept,
    coalesce(of_manifests.manifests, 0) AS manifests,
    coalesce(of_manifests.manifests_deleted, 0) AS manifests_deleted,
    places.complete,
    pages.web_url
FROM places
LEFT JOIN of_tags USING (place)
LEFT JOIN of_versions USING (place)
LEFT JOIN of_referrers USING (place)
LEFT JOIN of_manifests USING (place)
LEFT JOIN repositories AS pages
    ON pages.snapshot = places.snapshot AND pages.repository = places.repository
ORDER BY places.registry, places.repository
