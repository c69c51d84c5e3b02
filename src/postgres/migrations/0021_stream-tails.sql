-- A stream that lost its tail gives its sequences again: a position is known by the message in which it stands.

comment on column lease.positions is
  'By the name of a stream of reports: {"position", "made", "storedAt"}. Everything of this partition up to that sequence is committed, but for the
   backlog. made says in which stream of this name it counts, by the time of its creation; another one is read from its beginning. storedAt is
   when the hub stored the message of that sequence, ms since 1970, where one is known: if another stands there, the stream has lost its tail.';
