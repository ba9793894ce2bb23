"""The outside world behind ports (`ports/`): object store, audio tools, mail.

Only schemas may be imported.

Nothing here knows a rule of the business; whoever needs the world takes a port as an argument.
"""

import os

# onnxruntime would keep a database of its use in the home folder and start threads that report it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
