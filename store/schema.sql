-- The store: a GeoPackage 1.3 (application_id "GPKG"). The schema's own number stands in meta.
PRAGMA application_id = 1196444487;
PRAGMA user_version = 10300;

-- ---------------------------------------------------------------- what GeoPackage asks for

CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL,
  definition TEXT NOT NULL,
  description TEXT
);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
  ('WGS 84 geodetic', 4326, 'EPSG', 4326,
   'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]',
   'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid');

CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY,
  data_type TEXT NOT NULL,
  identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE,
  min_y DOUBLE,
  max_x DOUBLE,
  max_y DOUBLE,
  srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
);

CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL,
  m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);

CREATE TABLE gpkg_extensions (
  table_name TEXT,
  column_name TEXT,
  extension_name TEXT NOT NULL,
  definition TEXT NOT NULL,
  scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name)
);
INSERT INTO gpkg_extensions VALUES
  ('gaps', 'geometry', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');

-- ---------------------------------------------------------------- tables

CREATE TABLE meta (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  value TEXT NOT NULL
);

-- geometry stands last: whatever is read without it never walks the pages of a large polygon.
CREATE TABLE gaps (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  gap_id TEXT NOT NULL UNIQUE,
  rule_id TEXT NOT NULL DEFAULT '',
  severity TEXT NOT NULL DEFAULT 'medium',
  data_state TEXT NOT NULL DEFAULT 'known',
  status TEXT NOT NULL DEFAULT 'open',
  run_state TEXT NOT NULL DEFAULT 'none',
  object_role TEXT,
  object_id TEXT,
  class_code TEXT,
  area_code TEXT,
  cell_code TEXT,
  body TEXT,
  measured REAL,
  reference REAL,
  unit TEXT,
  basis TEXT,
  confidence TEXT,
  params_json TEXT NOT NULL DEFAULT '{}',
  found_at TEXT,
  seen_at TEXT,
  run_id TEXT,
  due_at TEXT,
  origin TEXT NOT NULL DEFAULT 'planner',
  text TEXT,
  until TEXT,
  why TEXT,
  assigned_to TEXT,
  edited_by TEXT,
  edited_at TEXT,
  notes INTEGER NOT NULL DEFAULT 0,
  photos INTEGER NOT NULL DEFAULT 0,
  key TEXT UNIQUE,
  objects TEXT NOT NULL DEFAULT '[]',
  anchor_x REAL,
  anchor_y REAL,
  sources TEXT NOT NULL DEFAULT '{}',
  geometry GEOMETRY
);
CREATE INDEX gaps_object ON gaps(object_id);
CREATE INDEX gaps_status ON gaps(status);

CREATE TABLE notes (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  note_id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  entered_at TEXT,
  author TEXT,
  text TEXT NOT NULL DEFAULT '',
  result TEXT,
  weather TEXT,
  private BOOLEAN NOT NULL DEFAULT 0
);

CREATE TABLE note_gaps (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  note_id TEXT NOT NULL REFERENCES notes(note_id) ON DELETE CASCADE,
  gap_id TEXT NOT NULL REFERENCES gaps(gap_id),
  UNIQUE (note_id, gap_id)
);
CREATE INDEX note_gaps_gap ON note_gaps(gap_id);

CREATE TABLE photos (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  note_id TEXT NOT NULL REFERENCES notes(note_id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  sha256 TEXT,
  name TEXT,
  bytes INTEGER
);
CREATE INDEX photos_note ON photos(note_id);

CREATE TABLE runs (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  run_id TEXT NOT NULL UNIQUE,
  started_at TEXT NOT NULL,
  as_of TEXT NOT NULL,
  program_version TEXT,
  "window" TEXT NOT NULL,
  seconds REAL,
  tz TEXT
);

CREATE TABLE run_rules (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(run_id),
  rule_id TEXT NOT NULL,
  status TEXT NOT NULL,
  reason_code TEXT,
  reason_text TEXT,
  roles TEXT NOT NULL DEFAULT '[]',
  found INTEGER NOT NULL DEFAULT 0,
  info INTEGER NOT NULL DEFAULT 0,
  "new" INTEGER NOT NULL DEFAULT 0,
  persisting INTEGER NOT NULL DEFAULT 0,
  gone INTEGER NOT NULL DEFAULT 0,
  returned INTEGER NOT NULL DEFAULT 0,
  UNIQUE (run_id, rule_id)
);

-- What a run changed: its new, returned and gone gaps, and what that did to their status.
CREATE TABLE run_gaps (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(run_id),
  gap_id TEXT NOT NULL,
  run_state TEXT NOT NULL,
  status_was TEXT,
  status_is TEXT NOT NULL
);
CREATE INDEX run_gaps_gap ON run_gaps(gap_id);

-- What each run read; the rows of the last run are the remembered sources.
CREATE TABLE sources (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(run_id),
  source_name TEXT NOT NULL,
  uri TEXT NOT NULL,
  role TEXT NOT NULL,
  "rows" INTEGER,
  dated TEXT,
  options TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE standards (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  standard_id TEXT,
  rule_or_activity TEXT,
  object_class TEXT,
  subtype TEXT,
  applies_if TEXT,
  grade TEXT,
  zone TEXT,
  value TEXT,
  unit TEXT,
  body TEXT,
  "use" TEXT,
  source TEXT,
  clause TEXT,
  confidence TEXT,
  valid_from TEXT,
  valid_to TEXT,
  version TEXT,
  note TEXT,
  origin TEXT NOT NULL DEFAULT 'city',
  severity TEXT
);

CREATE TABLE rules (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  rule_id TEXT NOT NULL UNIQUE,
  identifier TEXT NOT NULL,
  "group" TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  detects_zh TEXT NOT NULL,
  detects_en TEXT NOT NULL,
  why_zh TEXT NOT NULL,
  why_en TEXT NOT NULL,
  false_alarm_zh TEXT NOT NULL,
  false_alarm_en TEXT NOT NULL,
  mend_zh TEXT NOT NULL,
  mend_en TEXT NOT NULL,
  unit TEXT NOT NULL,
  is_on BOOLEAN NOT NULL DEFAULT 1
);

-- One row a changed cell (column_name), or a whole row made or removed (column_name '*', JSON).
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  table_name TEXT NOT NULL,
  row_key TEXT NOT NULL,
  subject TEXT NOT NULL,
  column_name TEXT NOT NULL,
  was TEXT,
  is_now TEXT,
  edited_by TEXT,
  "action" TEXT,
  undoes INTEGER,
  seal TEXT
);
CREATE INDEX events_row ON events(table_name, row_key);
CREATE INDEX events_subject ON events(subject);
CREATE INDEX events_action ON events("action");
CREATE INDEX events_undoes ON events(undoes) WHERE undoes IS NOT NULL;

-- ---------------------------------------------------------------- what the last whole run knew of the city

-- Cells and classes of the ledger; a pair without a row in ledger_seen was never surveyed.
CREATE TABLE ledger_cells (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  cell_code TEXT NOT NULL
);
CREATE TABLE ledger_classes (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  class_code TEXT NOT NULL
);
CREATE TABLE ledger_seen (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  class_code TEXT NOT NULL,
  cell_code TEXT NOT NULL,
  state TEXT NOT NULL,
  records INTEGER NOT NULL,
  length_m REAL,
  covered REAL,
  newest TEXT,
  completeness REAL
);
CREATE INDEX ledger_seen_place ON ledger_seen(class_code, cell_code);
CREATE VIEW ledger AS
SELECT s.fid, s.cell_code, s.class_code, s.state, s.records, s.length_m, s.covered, s.newest, s.completeness
FROM ledger_seen s
UNION ALL
SELECT NULL, c.cell_code, k.class_code, 'never_surveyed', 0, NULL, 0.0, NULL, NULL
FROM ledger_classes k CROSS JOIN ledger_cells c
WHERE NOT EXISTS (SELECT 1 FROM ledger_seen s WHERE s.class_code = k.class_code AND s.cell_code = c.cell_code);

CREATE TABLE data_card (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  role TEXT NOT NULL,
  level TEXT NOT NULL,
  area_code TEXT,
  card TEXT NOT NULL,
  numerator REAL,
  denominator REAL,
  value REAL,
  coverage_rate REAL,
  filled_rate REAL
);
CREATE TABLE pipe_matrix (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  level TEXT NOT NULL,
  area_code TEXT,
  class_code TEXT,
  kind_code TEXT,
  paper_kind_no INTEGER,
  state TEXT NOT NULL,
  records INTEGER NOT NULL,
  length_m REAL NOT NULL,
  kind_known REAL,
  material_known REAL,
  size_known REAL,
  depth_known REAL,
  year_known REAL,
  burial_known REAL,
  owner_known REAL,
  mean_age_a REAL,
  newest_survey TEXT
);
CREATE TABLE stock (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  role TEXT NOT NULL,
  level TEXT NOT NULL,
  area_code TEXT,
  class_code TEXT,
  decade INTEGER,
  records INTEGER NOT NULL,
  length_m REAL,
  floor_area_m2 REAL,
  estimated_m2 REAL,
  without_area INTEGER
);
CREATE TABLE totals_checked (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  measure TEXT NOT NULL,
  class_code TEXT,
  role TEXT,
  area_code TEXT,
  official REAL,
  recorded REAL,
  unit TEXT,
  ratio REAL,
  gap REAL,
  result TEXT,
  estimated_share REAL,
  without_floors INTEGER,
  without_amount INTEGER,
  duplicates INTEGER,
  duplicate_amount REAL,
  unexplained REAL,
  source TEXT,
  as_of TEXT,
  untested TEXT
);

INSERT INTO gpkg_contents (table_name, data_type, identifier, description) VALUES
  ('meta', 'attributes', 'meta', 'The store itself: schema number, project, time zone'),
  ('notes', 'attributes', 'notes', 'What people saw'),
  ('note_gaps', 'attributes', 'note_gaps', 'Which note is on which gap'),
  ('photos', 'attributes', 'photos', 'Photos of notes, by content, in the folder beside the store'),
  ('runs', 'attributes', 'runs', 'Runs of the rules'),
  ('run_rules', 'attributes', 'run_rules', 'What each rule did in each run'),
  ('run_gaps', 'attributes', 'run_gaps', 'Gaps that a run found new, returned or gone'),
  ('sources', 'attributes', 'sources', 'What each run read'),
  ('standards', 'attributes', 'standards', 'Thresholds, shipped and of the city'),
  ('rules', 'attributes', 'rules', 'Catalogue of the rules'),
  ('data_card', 'attributes', 'data_card', 'Completeness, correctness, precision and currency of each role and unit'),
  ('pipe_matrix', 'attributes', 'pipe_matrix', 'Length of pipes by class, kind and unit, and what is known of it'),
  ('stock', 'attributes', 'stock', 'Housing and pipes by decade and unit'),
  ('totals_checked', 'attributes', 'totals_checked', 'Official totals beside the sum of the records'),
  ('ledger', 'attributes', 'ledger', 'What was looked at in each cell and class'),
  ('ledger_cells', 'attributes', 'ledger_cells', 'Cells of the ledger'),
  ('ledger_classes', 'attributes', 'ledger_classes', 'Classes of the ledger'),
  ('ledger_seen', 'attributes', 'ledger_seen', 'The part of the ledger that is not never_surveyed'),
  ('events', 'attributes', 'events', 'Who changed what, and when');

-- ---------------------------------------------------------------- spatial index

CREATE VIRTUAL TABLE rtree_gaps_geometry USING rtree(id, minx, maxx, miny, maxy);

CREATE TRIGGER rtree_gaps_geometry_insert AFTER INSERT ON gaps
WHEN (NEW.geometry NOT NULL AND NOT ST_IsEmpty(NEW.geometry))
BEGIN
  INSERT OR REPLACE INTO rtree_gaps_geometry VALUES
    (NEW.fid, ST_MinX(NEW.geometry), ST_MaxX(NEW.geometry), ST_MinY(NEW.geometry), ST_MaxY(NEW.geometry));
END;
CREATE TRIGGER rtree_gaps_geometry_update1 AFTER UPDATE OF geometry ON gaps
WHEN OLD.fid = NEW.fid AND (NEW.geometry NOTNULL AND NOT ST_IsEmpty(NEW.geometry))
BEGIN
  INSERT OR REPLACE INTO rtree_gaps_geometry VALUES
    (NEW.fid, ST_MinX(NEW.geometry), ST_MaxX(NEW.geometry), ST_MinY(NEW.geometry), ST_MaxY(NEW.geometry));
END;
CREATE TRIGGER rtree_gaps_geometry_update2 AFTER UPDATE OF geometry ON gaps
WHEN OLD.fid = NEW.fid AND (NEW.geometry ISNULL OR ST_IsEmpty(NEW.geometry))
BEGIN
  DELETE FROM rtree_gaps_geometry WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_gaps_geometry_update3 AFTER UPDATE ON gaps
WHEN OLD.fid != NEW.fid AND (NEW.geometry NOTNULL AND NOT ST_IsEmpty(NEW.geometry))
BEGIN
  DELETE FROM rtree_gaps_geometry WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_gaps_geometry VALUES
    (NEW.fid, ST_MinX(NEW.geometry), ST_MaxX(NEW.geometry), ST_MinY(NEW.geometry), ST_MaxY(NEW.geometry));
END;
CREATE TRIGGER rtree_gaps_geometry_update4 AFTER UPDATE ON gaps
WHEN OLD.fid != NEW.fid AND (NEW.geometry ISNULL OR ST_IsEmpty(NEW.geometry))
BEGIN
  DELETE FROM rtree_gaps_geometry WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_gaps_geometry_delete AFTER DELETE ON gaps
WHEN OLD.geometry NOT NULL
BEGIN
  DELETE FROM rtree_gaps_geometry WHERE id = OLD.fid;
END;

-- ---------------------------------------------------------------- counts of notes and photos

CREATE TRIGGER count_link_insert AFTER INSERT ON note_gaps
BEGIN
  UPDATE gaps SET
    notes = (SELECT count(*) FROM note_gaps WHERE gap_id = NEW.gap_id),
    photos = (SELECT count(*) FROM note_gaps JOIN photos USING (note_id) WHERE gap_id = NEW.gap_id)
  WHERE gap_id = NEW.gap_id;
END;
CREATE TRIGGER count_link_delete AFTER DELETE ON note_gaps
BEGIN
  UPDATE gaps SET
    notes = (SELECT count(*) FROM note_gaps WHERE gap_id = OLD.gap_id),
    photos = (SELECT count(*) FROM note_gaps JOIN photos USING (note_id) WHERE gap_id = OLD.gap_id)
  WHERE gap_id = OLD.gap_id;
END;
CREATE TRIGGER count_link_update AFTER UPDATE ON note_gaps
BEGIN
  UPDATE gaps SET
    notes = (SELECT count(*) FROM note_gaps WHERE note_gaps.gap_id = gaps.gap_id),
    photos = (SELECT count(*) FROM note_gaps JOIN photos USING (note_id) WHERE note_gaps.gap_id = gaps.gap_id)
  WHERE gap_id IN (OLD.gap_id, NEW.gap_id);
END;
CREATE TRIGGER count_photo_insert AFTER INSERT ON photos
BEGIN
  UPDATE gaps SET
    photos = (SELECT count(*) FROM note_gaps JOIN photos USING (note_id) WHERE note_gaps.gap_id = gaps.gap_id)
  WHERE gap_id IN (SELECT gap_id FROM note_gaps WHERE note_id = NEW.note_id);
END;
CREATE TRIGGER count_photo_delete AFTER DELETE ON photos
BEGIN
  UPDATE gaps SET
    photos = (SELECT count(*) FROM note_gaps JOIN photos USING (note_id) WHERE note_gaps.gap_id = gaps.gap_id)
  WHERE gap_id IN (SELECT gap_id FROM note_gaps WHERE note_id = OLD.note_id);
END;
CREATE TRIGGER count_photo_update AFTER UPDATE OF note_id ON photos
BEGIN
  UPDATE gaps SET
    photos = (SELECT count(*) FROM note_gaps JOIN photos USING (note_id) WHERE note_gaps.gap_id = gaps.gap_id)
  WHERE gap_id IN (SELECT gap_id FROM note_gaps WHERE note_id IN (OLD.note_id, NEW.note_id));
END;

-- ---------------------------------------------------------------- what no client may do

CREATE TRIGGER guard_gap_id BEFORE UPDATE OF gap_id ON gaps WHEN NEW.gap_id IS NOT OLD.gap_id
BEGIN
  SELECT RAISE(ABORT, 'the id of a gap lasts');
END;
CREATE TRIGGER guard_note_id BEFORE UPDATE OF note_id ON notes WHEN NEW.note_id IS NOT OLD.note_id
BEGIN
  SELECT RAISE(ABORT, 'the id of a note lasts');
END;
-- The program's own writes carry an action; it checks them itself.
CREATE TRIGGER guard_status BEFORE UPDATE OF status ON gaps
WHEN NEW.status IS NOT OLD.status AND NOT EXISTS (SELECT 1 FROM meta WHERE key = 'action')
BEGIN
  SELECT RAISE(ABORT, 'verified and reopened come only by a check or by the note of another person')
    WHERE NEW.status IN ('verified', 'reopened');
  SELECT RAISE(ABORT, 'no such status')
    WHERE NEW.status IS NULL OR NEW.status NOT IN
      ('open', 'confirmed', 'assigned', 'fixed', 'verified', 'reopened', 'accepted', 'false_alarm');
  SELECT RAISE(ABORT, 'accepted needs until and why')
    WHERE NEW.status = 'accepted' AND (coalesce(NEW.until, '') = '' OR trim(coalesce(NEW.why, '')) = '');
  SELECT RAISE(ABORT, 'false_alarm needs why')
    WHERE NEW.status = 'false_alarm' AND trim(coalesce(NEW.why, '')) = '';
END;
CREATE TRIGGER guard_event_update BEFORE UPDATE ON events WHEN OLD.seal IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a sealed event can not be altered');
END;
CREATE TRIGGER guard_event_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'events can not be removed');
END;

-- ---------------------------------------------------------------- events
-- These triggers run in every client, so they use only what every SQLite has. Within one of the
-- program's transactions meta holds the action and its author; in a run it holds `run`, because a
-- run is one event with its members in run_gaps.

CREATE VIEW current_action AS SELECT
  (SELECT value FROM meta WHERE key = 'action') AS "action",
  (SELECT value FROM meta WHERE key = 'author') AS author,
  (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'undoes') AS undoes;

CREATE TRIGGER event_gap_update AFTER UPDATE OF status, until, why, text, assigned_to, due_at ON gaps
WHEN (NEW.status IS NOT OLD.status OR NEW.until IS NOT OLD.until OR NEW.why IS NOT OLD.why
      OR NEW.text IS NOT OLD.text OR NEW.assigned_to IS NOT OLD.assigned_to OR NEW.due_at IS NOT OLD.due_at)
  AND NOT EXISTS (SELECT 1 FROM meta WHERE key = 'run')
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, is_now, edited_by, "action", undoes)
  SELECT 'gaps', NEW.gap_id, NEW.gap_id, cell, was, is_now,
    CASE WHEN "action" IS NOT NULL THEN nullif(author, '')
         WHEN NEW.edited_by IS NOT OLD.edited_by OR NEW.edited_at IS NOT OLD.edited_at THEN NEW.edited_by END,
    "action", undoes
  FROM current_action, (
    SELECT 'status' AS cell, OLD.status AS was, NEW.status AS is_now
    UNION ALL SELECT 'until', OLD.until, NEW.until
    UNION ALL SELECT 'why', OLD.why, NEW.why
    UNION ALL SELECT 'text', OLD.text, NEW.text
    UNION ALL SELECT 'assigned_to', OLD.assigned_to, NEW.assigned_to
    UNION ALL SELECT 'due_at', OLD.due_at, NEW.due_at
    UNION ALL SELECT 'edited_by', OLD.edited_by, NEW.edited_by
    UNION ALL SELECT 'edited_at', OLD.edited_at, NEW.edited_at)
  WHERE was IS NOT is_now;
END;

-- A planner's flag is all people's word. Programs write one geometry with or without an envelope: what
-- is compared is what stands behind it (8 bytes of header, then none, 4 or 6 numbers by the flags).
CREATE TRIGGER event_flag_update AFTER UPDATE OF
  rule_id, severity, object_role, object_id, class_code, area_code, cell_code, body, geometry ON gaps
WHEN OLD.origin = 'planner' AND NOT EXISTS (SELECT 1 FROM meta WHERE key = 'run')
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, is_now, edited_by, "action", undoes)
  SELECT 'gaps', NEW.gap_id, NEW.gap_id, cell, was, is_now,
    CASE WHEN "action" IS NOT NULL THEN nullif(author, '')
         WHEN NEW.edited_by IS NOT OLD.edited_by OR NEW.edited_at IS NOT OLD.edited_at THEN NEW.edited_by END,
    "action", undoes
  FROM current_action, (
    SELECT 'rule_id' AS cell, OLD.rule_id AS was, NEW.rule_id AS is_now
    UNION ALL SELECT 'severity', OLD.severity, NEW.severity
    UNION ALL SELECT 'object_role', OLD.object_role, NEW.object_role
    UNION ALL SELECT 'object_id', OLD.object_id, NEW.object_id
    UNION ALL SELECT 'class_code', OLD.class_code, NEW.class_code
    UNION ALL SELECT 'area_code', OLD.area_code, NEW.area_code
    UNION ALL SELECT 'cell_code', OLD.cell_code, NEW.cell_code
    UNION ALL SELECT 'body', OLD.body, NEW.body
    UNION ALL SELECT 'geometry', hex(OLD.geometry), hex(NEW.geometry)
      WHERE substr(OLD.geometry, CASE substr(hex(substr(OLD.geometry, 4, 1)), 2)
        WHEN '2' THEN 41 WHEN '3' THEN 41 WHEN '4' THEN 57 WHEN '5' THEN 57 ELSE 9 END)
        IS NOT substr(NEW.geometry, CASE substr(hex(substr(NEW.geometry, 4, 1)), 2)
        WHEN '2' THEN 41 WHEN '3' THEN 41 WHEN '4' THEN 57 WHEN '5' THEN 57 ELSE 9 END))
  WHERE was IS NOT is_now;
END;

CREATE TRIGGER event_gap_insert AFTER INSERT ON gaps WHEN NEW.origin = 'planner'
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'gaps', NEW.gap_id, NEW.gap_id, '*', json_object(
    'fid', NEW.fid, 'gap_id', NEW.gap_id, 'rule_id', NEW.rule_id, 'severity', NEW.severity,
    'data_state', NEW.data_state, 'status', NEW.status, 'run_state', NEW.run_state,
    'object_role', NEW.object_role, 'object_id', NEW.object_id, 'class_code', NEW.class_code,
    'area_code', NEW.area_code, 'cell_code', NEW.cell_code, 'body', NEW.body, 'measured', NEW.measured,
    'reference', NEW.reference, 'unit', NEW.unit, 'basis', NEW.basis, 'confidence', NEW.confidence,
    'params_json', NEW.params_json, 'found_at', NEW.found_at, 'seen_at', NEW.seen_at, 'run_id', NEW.run_id,
    'due_at', NEW.due_at, 'origin', NEW.origin, 'text', NEW.text, 'until', NEW.until, 'why', NEW.why,
    'assigned_to', NEW.assigned_to, 'edited_by', NEW.edited_by, 'edited_at', NEW.edited_at, 'key', NEW.key,
    'objects', NEW.objects, 'anchor_x', NEW.anchor_x, 'anchor_y', NEW.anchor_y, 'sources', NEW.sources,
    'geometry', hex(NEW.geometry)),
    CASE WHEN "action" IS NOT NULL THEN nullif(author, '') ELSE NEW.edited_by END, "action", undoes
  FROM current_action;
END;
CREATE TRIGGER event_gap_delete AFTER DELETE ON gaps
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, edited_by, "action", undoes)
  SELECT 'gaps', OLD.gap_id, OLD.gap_id, '*', json_object(
    'fid', OLD.fid, 'gap_id', OLD.gap_id, 'rule_id', OLD.rule_id, 'severity', OLD.severity,
    'data_state', OLD.data_state, 'status', OLD.status, 'run_state', OLD.run_state,
    'object_role', OLD.object_role, 'object_id', OLD.object_id, 'class_code', OLD.class_code,
    'area_code', OLD.area_code, 'cell_code', OLD.cell_code, 'body', OLD.body, 'measured', OLD.measured,
    'reference', OLD.reference, 'unit', OLD.unit, 'basis', OLD.basis, 'confidence', OLD.confidence,
    'params_json', OLD.params_json, 'found_at', OLD.found_at, 'seen_at', OLD.seen_at, 'run_id', OLD.run_id,
    'due_at', OLD.due_at, 'origin', OLD.origin, 'text', OLD.text, 'until', OLD.until, 'why', OLD.why,
    'assigned_to', OLD.assigned_to, 'edited_by', OLD.edited_by, 'edited_at', OLD.edited_at, 'key', OLD.key,
    'objects', OLD.objects, 'anchor_x', OLD.anchor_x, 'anchor_y', OLD.anchor_y, 'sources', OLD.sources,
    'geometry', hex(OLD.geometry)),
    nullif(author, ''), "action", undoes
  FROM current_action;
END;

CREATE TRIGGER event_note_insert AFTER INSERT ON notes
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'notes', NEW.note_id, NEW.note_id, '*', json_object(
    'fid', NEW.fid, 'note_id', NEW.note_id, 'at', NEW.at, 'entered_at', NEW.entered_at, 'author', NEW.author,
    'text', NEW.text, 'result', NEW.result, 'weather', NEW.weather, 'private', NEW.private),
    CASE WHEN "action" IS NOT NULL THEN nullif(current_action.author, '') ELSE NEW.author END, "action", undoes
  FROM current_action;
END;
CREATE TRIGGER event_note_update AFTER UPDATE ON notes
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, is_now, edited_by, "action", undoes)
  SELECT 'notes', NEW.note_id, NEW.note_id, cell, was, is_now, nullif(author, ''), "action", undoes
  FROM current_action, (
    SELECT 'at' AS cell, OLD.at AS was, NEW.at AS is_now
    UNION ALL SELECT 'entered_at', OLD.entered_at, NEW.entered_at
    UNION ALL SELECT 'author', OLD.author, NEW.author
    UNION ALL SELECT 'text', OLD.text, NEW.text
    UNION ALL SELECT 'result', OLD.result, NEW.result
    UNION ALL SELECT 'weather', OLD.weather, NEW.weather
    UNION ALL SELECT 'private', OLD.private, NEW.private)
  WHERE was IS NOT is_now;
END;
CREATE TRIGGER event_note_delete AFTER DELETE ON notes
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, edited_by, "action", undoes)
  SELECT 'notes', OLD.note_id, OLD.note_id, '*', json_object(
    'fid', OLD.fid, 'note_id', OLD.note_id, 'at', OLD.at, 'entered_at', OLD.entered_at, 'author', OLD.author,
    'text', OLD.text, 'result', OLD.result, 'weather', OLD.weather, 'private', OLD.private),
    nullif(current_action.author, ''), "action", undoes
  FROM current_action;
END;

CREATE TRIGGER event_link_insert AFTER INSERT ON note_gaps
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'note_gaps', NEW.note_id || '|' || NEW.gap_id, NEW.note_id, '*',
    json_object('fid', NEW.fid, 'note_id', NEW.note_id, 'gap_id', NEW.gap_id), nullif(author, ''), "action", undoes
  FROM current_action;
END;
CREATE TRIGGER event_link_delete AFTER DELETE ON note_gaps
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, edited_by, "action", undoes)
  SELECT 'note_gaps', OLD.note_id || '|' || OLD.gap_id, OLD.note_id, '*',
    json_object('fid', OLD.fid, 'note_id', OLD.note_id, 'gap_id', OLD.gap_id), nullif(author, ''), "action", undoes
  FROM current_action;
END;
CREATE TRIGGER event_link_update AFTER UPDATE ON note_gaps
WHEN NEW.note_id IS NOT OLD.note_id OR NEW.gap_id IS NOT OLD.gap_id
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, edited_by, "action", undoes)
  SELECT 'note_gaps', OLD.note_id || '|' || OLD.gap_id, OLD.note_id, '*',
    json_object('fid', OLD.fid, 'note_id', OLD.note_id, 'gap_id', OLD.gap_id), nullif(author, ''), "action", undoes
  FROM current_action;
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'note_gaps', NEW.note_id || '|' || NEW.gap_id, NEW.note_id, '*',
    json_object('fid', NEW.fid, 'note_id', NEW.note_id, 'gap_id', NEW.gap_id), nullif(author, ''), "action", undoes
  FROM current_action;
END;

CREATE TRIGGER event_photo_insert AFTER INSERT ON photos
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'photos', NEW.fid, NEW.note_id, '*', json_object('fid', NEW.fid, 'note_id', NEW.note_id,
    'path', NEW.path, 'sha256', NEW.sha256, 'name', NEW.name, 'bytes', NEW.bytes),
    nullif(author, ''), "action", undoes
  FROM current_action;
END;
CREATE TRIGGER event_photo_update AFTER UPDATE ON photos
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, is_now, edited_by, "action", undoes)
  SELECT 'photos', NEW.fid, NEW.note_id, cell, was, is_now, nullif(author, ''), "action", undoes
  FROM current_action, (
    SELECT 'note_id' AS cell, OLD.note_id AS was, NEW.note_id AS is_now
    UNION ALL SELECT 'path', OLD.path, NEW.path
    UNION ALL SELECT 'sha256', OLD.sha256, NEW.sha256
    UNION ALL SELECT 'name', OLD.name, NEW.name
    UNION ALL SELECT 'bytes', OLD.bytes, NEW.bytes)
  WHERE was IS NOT is_now;
END;
CREATE TRIGGER event_photo_delete AFTER DELETE ON photos
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, edited_by, "action", undoes)
  SELECT 'photos', OLD.fid, OLD.note_id, '*', json_object('fid', OLD.fid, 'note_id', OLD.note_id,
    'path', OLD.path, 'sha256', OLD.sha256, 'name', OLD.name, 'bytes', OLD.bytes),
    nullif(author, ''), "action", undoes
  FROM current_action;
END;

CREATE TRIGGER event_standard_insert AFTER INSERT ON standards WHEN NEW.origin = 'city'
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'standards', NEW.fid, coalesce(NEW.standard_id, ''), '*', json_object(
    'fid', NEW.fid, 'standard_id', NEW.standard_id, 'rule_or_activity', NEW.rule_or_activity,
    'object_class', NEW.object_class, 'subtype', NEW.subtype, 'applies_if', NEW.applies_if, 'grade', NEW.grade,
    'zone', NEW.zone, 'value', NEW.value, 'unit', NEW.unit, 'body', NEW.body, 'use', NEW."use",
    'source', NEW.source, 'clause', NEW.clause, 'confidence', NEW.confidence, 'valid_from', NEW.valid_from,
    'valid_to', NEW.valid_to, 'version', NEW.version, 'note', NEW.note, 'origin', NEW.origin,
    'severity', NEW.severity), nullif(author, ''), "action", undoes
  FROM current_action;
END;
CREATE TRIGGER event_standard_update AFTER UPDATE ON standards
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, is_now, edited_by, "action", undoes)
  SELECT 'standards', NEW.fid, coalesce(NEW.standard_id, ''), cell, was, is_now, nullif(author, ''), "action", undoes
  FROM current_action, (
    SELECT 'standard_id' AS cell, OLD.standard_id AS was, NEW.standard_id AS is_now
    UNION ALL SELECT 'rule_or_activity', OLD.rule_or_activity, NEW.rule_or_activity
    UNION ALL SELECT 'object_class', OLD.object_class, NEW.object_class
    UNION ALL SELECT 'subtype', OLD.subtype, NEW.subtype
    UNION ALL SELECT 'applies_if', OLD.applies_if, NEW.applies_if
    UNION ALL SELECT 'grade', OLD.grade, NEW.grade
    UNION ALL SELECT 'zone', OLD.zone, NEW.zone
    UNION ALL SELECT 'value', OLD.value, NEW.value
    UNION ALL SELECT 'unit', OLD.unit, NEW.unit
    UNION ALL SELECT 'body', OLD.body, NEW.body
    UNION ALL SELECT 'use', OLD."use", NEW."use"
    UNION ALL SELECT 'source', OLD.source, NEW.source
    UNION ALL SELECT 'clause', OLD.clause, NEW.clause
    UNION ALL SELECT 'confidence', OLD.confidence, NEW.confidence
    UNION ALL SELECT 'valid_from', OLD.valid_from, NEW.valid_from
    UNION ALL SELECT 'valid_to', OLD.valid_to, NEW.valid_to
    UNION ALL SELECT 'version', OLD.version, NEW.version
    UNION ALL SELECT 'note', OLD.note, NEW.note
    UNION ALL SELECT 'origin', OLD.origin, NEW.origin
    UNION ALL SELECT 'severity', OLD.severity, NEW.severity)
  WHERE was IS NOT is_now;
END;
-- The program replaces shipped rows with those of its own version; that is nobody's edit.
CREATE TRIGGER event_standard_delete AFTER DELETE ON standards
WHEN OLD.origin = 'city' OR NOT EXISTS (SELECT 1 FROM meta WHERE key = 'action')
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, edited_by, "action", undoes)
  SELECT 'standards', OLD.fid, coalesce(OLD.standard_id, ''), '*', json_object(
    'fid', OLD.fid, 'standard_id', OLD.standard_id, 'rule_or_activity', OLD.rule_or_activity,
    'object_class', OLD.object_class, 'subtype', OLD.subtype, 'applies_if', OLD.applies_if, 'grade', OLD.grade,
    'zone', OLD.zone, 'value', OLD.value, 'unit', OLD.unit, 'body', OLD.body, 'use', OLD."use",
    'source', OLD.source, 'clause', OLD.clause, 'confidence', OLD.confidence, 'valid_from', OLD.valid_from,
    'valid_to', OLD.valid_to, 'version', OLD.version, 'note', OLD.note, 'origin', OLD.origin,
    'severity', OLD.severity), nullif(author, ''), "action", undoes
  FROM current_action;
END;

CREATE TRIGGER event_rule_update AFTER UPDATE OF is_on ON rules WHEN NEW.is_on IS NOT OLD.is_on
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, was, is_now, edited_by, "action", undoes)
  SELECT 'rules', NEW.rule_id, NEW.rule_id, 'is_on', OLD.is_on, NEW.is_on, nullif(author, ''), "action", undoes
  FROM current_action;
END;

CREATE TRIGGER event_run_insert AFTER INSERT ON runs
BEGIN
  INSERT INTO events (table_name, row_key, subject, column_name, is_now, edited_by, "action", undoes)
  SELECT 'runs', NEW.run_id, NEW.run_id, '*', json_object('run_id', NEW.run_id, 'started_at', NEW.started_at,
    'as_of', NEW.as_of, 'program_version', NEW.program_version, 'window', NEW."window", 'seconds', NEW.seconds),
    'run', "action", undoes
  FROM current_action;
END;
