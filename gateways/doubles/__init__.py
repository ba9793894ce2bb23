"""The frame of all doubles: our own stand-ins for outside services without credentials.

A double is a process that is reached over HTTP, as the service is; what it stands in for lies in
`gateways/<capability>/double/`. Start at `frame.py`. The supervisor's side is `runtime/doubles.py`.
"""
