"""pymodbus's own server in a process of its own: python modbus_server.py tcp PORT | rtu PATH UNIT.

It says "ready". A line on standard input sets a point of a unit, "1 di 0 1", "2 ir 0 1234", or prints it, "1 co 3".
"""

import asyncio
import sys
from typing import Any

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

BLOCKS = {"co": 1, "di": 2, "hr": 3, "ir": 4}
"""Tables and the function codes that read them."""


def device(unit: int) -> SimDevice:
    bits = [SimData(0, values=[False] * 64, datatype=DataType.BITS)]
    registers = [SimData(0, count=16, values=0, datatype=DataType.REGISTERS)]
    return SimDevice(unit, simdata=(bits, bits, registers, registers))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(kind: str, where: str, units: list[int]) -> None:
    devices = [device(unit) for unit in units]
    server: Any
    if kind == "tcp":
        server = ModbusTcpServer(devices, address=("127.0.0.1", int(where)))
    else:
        server = ModbusSerialServer(devices, port=where, baudrate=9600)
    await server.serve_forever(background=True)
    say("ready")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        unit, table, address, *value = line.split()
        code = BLOCKS[table]
        if value:
            await server.context.async_setValues(int(unit), code, int(address), [int(value[0])])
        else:
            values = await server.context.async_getValues(int(unit), code, int(address), 1)
            say(str(values[0]))
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], [int(unit) for unit in sys.argv[3:]]))
