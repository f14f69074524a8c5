-- Answers: when was each tag made and pulled last, as far as the vendor tells?
-- Parameters: $state; tables places, tagged, dates.
-- Columns: registry, repository, tag, pushed_at, created_at, pulled_at, pulls (of its repository).
--          Tags of referrers are left out.
SELECT
    places.registry,
    places.repository,
    tagged.tag,
    tagged.pushed_at,
    dates.made_at AS created_at,
    tagged.pulled_at,
    repositories.pulls
FROM tagged
JOIN places ON places.place = tagged.place
LEFT JOIN dates ON dates.node = tagged.node
LEFT JOIN repositories
    ON repositories.snapshot = places.snapshot AND repositories.repository = places.repository
WHERE places.state = $state AND NOT tagged.refers
ORDER BY places.registry, places.repository, tagged.tag
