-- Times are milliseconds since 1970.

-- What the writer knows beside the rows.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- When the program ran: from its start to the last time that it is known to have run.
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    began INTEGER NOT NULL,
    alive INTEGER NOT NULL
);

-- When it ran, and nothing was seen or kept.
CREATE TABLE gap (
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX gap_began ON gap (began);

CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    -- Of its newest description; 0 when it is gone.
    hash INTEGER NOT NULL DEFAULT 0,
    -- When it went, if it did.
    gone INTEGER,
    UNIQUE (source, kind, reference)
);

-- Reasons and owners: few, and each many times.
CREATE TABLE word (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

-- Sentences: many, and most of them once.
CREATE TABLE said (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);

-- The graph over time: see `Described`.
CREATE TABLE described (
    node INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (node, at, seq)
) WITHOUT ROWID;
CREATE INDEX described_at ON described (at);

-- Changes of state: see `flag`.
CREATE TABLE transition (
    node INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    because INTEGER,
    owner INTEGER,
    since INTEGER,
    said INTEGER,
    PRIMARY KEY (node, at, seq)
) WITHOUT ROWID;
CREATE INDEX transition_at ON transition (at);
CREATE INDEX transition_service ON transition (at) WHERE flags & 256;

-- Changes that were written of late, in the order in which they came: nothing is cheaper to write. They are moved to the
-- others many at a time, so that those of one node are written together.
CREATE TABLE recent (
    node INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    because INTEGER,
    owner INTEGER,
    since INTEGER,
    said INTEGER
);

-- Quantities that are measured.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    node INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Unit and limits, as last known: see `ScaleForm`.
    scale BLOB NOT NULL,
    UNIQUE (node, name)
);

-- Values of many series at about one moment: see `SampleForm`.
CREATE TABLE sweep (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX sweep_at ON sweep (at);

-- The values of one series in one hour, which is named by its beginning: see `PackedForm`.
CREATE TABLE packed (
    at INTEGER NOT NULL,
    series INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (at, series)
) WITHOUT ROWID;

-- Least, mean and greatest of each hour of a day (level 1), and of each of 32 days (level 2): see `RolledForm`.
CREATE TABLE rolled (
    level INTEGER NOT NULL,
    at INTEGER NOT NULL,
    series INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (level, at, series)
) WITHOUT ROWID;

-- How services were on days whose changes are not kept any more: see `LivedForm`.
CREATE TABLE lived (
    node INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (node, at)
) WITHOUT ROWID;
