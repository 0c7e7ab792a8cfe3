/** The statements of the index database. Each but `objects` reads the rows of those objects alone that it is about, however many there are. */

export const statements = {
  object: `SELECT id, generation, origin, path, private, representation, pinned, used, place
    FROM objects LEFT JOIN places ON object = id WHERE name = ?`,
  segments: `
    SELECT number, blocks, iif(boot = ?, early, x'') AS early, sums, bytes, used FROM segments WHERE object = ?`,
  forget: `
    DELETE FROM objects WHERE name = :name AND generation = coalesce(:generation, generation)
    RETURNING generation`,
  forgetOthers: 'DELETE FROM objects WHERE name = ? AND generation <> ?',
  saveObject: `
    INSERT INTO objects (name, generation, origin, path, private, representation, pinned, created, used)
    VALUES (:name, :generation, :origin, :path, :private, :representation, :pinned, :used, :used)
    ON CONFLICT (name) DO UPDATE SET representation = excluded.representation, used = excluded.used
    RETURNING id`,
  saveSegment: `
    INSERT OR REPLACE INTO segments (object, number, blocks, early, boot, sums, bytes, used)
    VALUES (:object, :number, :blocks, :early, :boot, :sums, :bytes, :used)`,
  useObject: 'UPDATE objects SET used = ? WHERE name = ? AND generation = ? RETURNING id',
  useSegment: 'UPDATE segments SET used = ? WHERE object = ? AND number = ?',
  savePlace: 'INSERT OR REPLACE INTO places (object, place) VALUES (?, ?)',
  forgetSegment: 'DELETE FROM segments WHERE object = ? AND number = ?',
  dropSegment: `
    DELETE FROM segments
    WHERE object = (SELECT id FROM objects WHERE name = ? AND generation = ?) AND number = ?`,
  pin: 'UPDATE objects SET pinned = :pinned WHERE name = :name',
  list: `
    SELECT name, origin, path, private, representation, pinned,
      (SELECT coalesce(sum(bytes), 0) FROM segments WHERE object = id) AS bytes,
      (SELECT max(objects.used, coalesce(max(used), 0)) FROM segments WHERE object = id) AS used
    FROM objects WHERE name > ? ORDER BY name LIMIT ?`,
  objects: `
    SELECT json_group_array(json_object(
      'name', name, 'generation', generation, 'label', json(iif(
        private IS NULL, json_object('origin', origin, 'path', path),
        json_object('origin', origin, 'path', path, 'private', json(iif(private, 'true', 'false'))))),
      'length', representation ->> '$.length', 'pinned', json(iif(pinned, 'true', 'false')), 'used', used,
      'place', (SELECT place FROM places WHERE object = id), 'segments', json((
        SELECT json_group_array(json_object('number', number, 'bytes', bytes, 'used', used))
        FROM segments WHERE object = id)))) AS told
    FROM objects`,
} as const;
