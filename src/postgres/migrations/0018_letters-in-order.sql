-- Dead letters come in one order, whichever stream and frame they are of: read from its indexes, then by their number.

comment on index dead_letter_time is
  'Letters of one moment and sequence (of two streams, or of one frame) follow each other by partition and no.';
comment on function note_registration is 'Notes which transaction registered a device: owners ask what came since they asked last.';
