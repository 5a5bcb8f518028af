"""Links: the transports to devices. They deliver bytes with the moment these came, and say in words when they cannot.

A link knows no protocol of a device. `serial_link` supervises a port that `serial_port` opens and reads;
`serial_causes` turns a failure into a cause and a next step, with what `port_inventory` finds out about this machine;
`watch` judges, without any I/O, whether what comes over a link makes sense. `http_push` listens to devices that push.
"""
