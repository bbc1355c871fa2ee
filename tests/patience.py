"""How long tests wait for a service that says nothing: short enough to sit through, long enough that a machine which
halts for a moment is not taken for silence.
"""

CONNECT_S = 6.0
READ_S = 2.0
