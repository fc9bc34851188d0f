-- The "operational" database of the demo: the flights out of New York in 2013.
-- Instants are UTC; delays and air time are minutes, distances miles, `dep_time` is HHMM.

CREATE TABLE airlines (
    carrier  VARCHAR(2)  NOT NULL PRIMARY KEY,
    name     VARCHAR(80) NOT NULL
);

CREATE TABLE airports (
    faa    VARCHAR(3)       NOT NULL PRIMARY KEY,
    name   VARCHAR(80)      NOT NULL,
    lat    DOUBLE PRECISION NOT NULL,
    lon    DOUBLE PRECISION NOT NULL,
    alt    INTEGER          NOT NULL,
    tz     SMALLINT         NOT NULL,
    dst    CHAR(1)          NOT NULL,
    tzone  VARCHAR(40)
);

CREATE TABLE planes (
    tailnum       VARCHAR(6)  NOT NULL PRIMARY KEY,
    year          SMALLINT,
    type          VARCHAR(40) NOT NULL,
    manufacturer  VARCHAR(40) NOT NULL,
    model         VARCHAR(40) NOT NULL,
    engines       SMALLINT    NOT NULL,
    seats         SMALLINT    NOT NULL,
    speed         INTEGER,
    engine        VARCHAR(20) NOT NULL
);

CREATE TABLE weather (
    origin      VARCHAR(3)       NOT NULL,
    year        SMALLINT         NOT NULL,
    month       SMALLINT         NOT NULL,
    day         SMALLINT         NOT NULL,
    hour        SMALLINT         NOT NULL,
    temp        DOUBLE PRECISION,
    dewp        DOUBLE PRECISION,
    humid       DOUBLE PRECISION,
    wind_dir    SMALLINT,
    wind_speed  DOUBLE PRECISION,
    wind_gust   DOUBLE PRECISION,
    precip      DOUBLE PRECISION NOT NULL,
    pressure    DOUBLE PRECISION,
    visib       DOUBLE PRECISION NOT NULL,
    time_hour   TIMESTAMP        NOT NULL,
    PRIMARY KEY (origin, time_hour)
);

CREATE TABLE flights (
    year            SMALLINT   NOT NULL,
    month           SMALLINT   NOT NULL,
    day             SMALLINT   NOT NULL,
    dep_time        SMALLINT,
    sched_dep_time  SMALLINT   NOT NULL,
    dep_delay       INTEGER,
    arr_time        SMALLINT,
    sched_arr_time  SMALLINT   NOT NULL,
    arr_delay       INTEGER,
    carrier         VARCHAR(2) NOT NULL,
    flight          INTEGER    NOT NULL,
    tailnum         VARCHAR(6),
    origin          VARCHAR(3) NOT NULL,
    dest            VARCHAR(3) NOT NULL,
    air_time        INTEGER,
    distance        INTEGER    NOT NULL,
    hour            SMALLINT   NOT NULL,
    minute          SMALLINT   NOT NULL,
    time_hour       TIMESTAMP  NOT NULL,
    PRIMARY KEY (time_hour, origin, carrier, flight)
);
