"""Serial lines, converters, Modbus, inputs, folders and what devices say of themselves, in 简体中文."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # Is a device that is plugged in silent, babbling or unreadable? (links.watch)
    "The port is open but no byte came for {} s. Check that the device is on and its display lives, then the cable "
    "(TX and RX may be swapped), then that its continuous output is switched on and this is the port it is wired to": (
        "端口已打开，但 {} 秒没有收到数据。请依次检查：设备是否通电、显示是否正常；接线（TX 与 RX 是否接反）；"
        "连续输出是否开启；是否接在此端口"
    ),
    "The port is open and the device was asked, but nothing came back for {} s. Check that the device is on and set to "
    "answer commands, then its address, baud rate and format against its own menu, then the wires (RS-485: A and B may "
    "be swapped; RS-232: TX and RX)": (
        "端口已打开，已向设备发出查询，但 {} 秒没有应答。请依次检查：设备是否通电并设为应答方式；"
        "地址、波特率、数据格式与设备菜单是否一致；接线（RS-485 的 A、B 或 RS-232 的 TX、RX 是否接反）"
    ),
    "{} bytes came in {} s and no frame. Baud rate, data format or profile do not match the device. Compare `baud` and "
    "`data_format` with the device's own menu, then the profile's name with the indicator's model": (
        "收到 {} 字节（{} 秒），但无法识别。波特率、数据格式或型号配置与设备不符。"
        "请将 baud、data_format 与设备菜单核对，再核对型号配置与仪表型号"
    ),
    "The connection is open but no byte came for {} s. Check that the device is on and set to send to this machine, "
    "that no other program holds its connection, and that address and port are its own; behind a serial converter, "
    "check the cable between the two (TX and RX may be swapped)": (
        "连接已建立，但 {} 秒没有收到数据。请依次检查：设备是否通电并设为向本机发送；是否有其他程序占用其连接；"
        "地址和端口是否正确；经串口服务器连接时，设备与串口服务器之间的接线（TX 与 RX 是否接反）"
    ),
    "The connection is open and the device was asked, but nothing came back for {} s. Check that the device is on and "
    "set to answer commands, and its address on the line; behind a serial converter, compare the converter's baud rate "
    "and format with the device's menu, then check the wires (RS-485: A and B may be swapped; RS-232: TX and RX)": (
        "连接已建立，已向设备发出查询，但 {} 秒没有应答。请依次检查：设备是否通电并设为应答方式；设备地址；"
        "经串口服务器连接时，串口服务器的波特率、数据格式与设备菜单是否一致，以及接线"
        "（RS-485 的 A、B 或 RS-232 的 TX、RX 是否接反）"
    ),
    "{} bytes came in {} s and no frame. The profile does not match the device, or something else answers at this "
    "address and port. Compare the profile's name with the device's model, then address and port with its settings; "
    "behind a serial converter, compare the converter's baud rate and format with the device's menu": (
        "收到 {} 字节（{} 秒），但无法识别。型号配置与设备不符，或此地址和端口上是其他服务。"
        "请核对型号配置与设备型号，再核对地址和端口；经串口服务器连接时，请核对其波特率、数据格式与设备菜单"
    ),
    "Frames came for {} s but none holds a reading. The device speaks another dialect of its protocol than the profile "
    "describes. Look at what it sends with `edge-agent decode`, then choose its variant or correct its fields": (
        "{} 秒内收到数据帧，但都没有读数。设备所用的协议变体与型号配置不同。"
        "请用 edge-agent decode 查看其数据，再选择相应变体或更正字段"
    ),
    "The port is open again; waiting for the device's bytes": "端口已重新打开，正在等待设备数据",
    "Readings come": "读数正常",
    "{} is open; waiting for the first bytes": "{} 已打开，正在等待数据",
    "{} is open at {}{}; waiting for the first bytes": "{} 已打开（{}{}），正在等待数据",
    "its driver keeps 8 bits without parity, so parity bits stay in the bytes": (
        "驱动固定为 8 位无校验，校验位会留在数据中"
    ),
    # Why a port cannot be opened or read (links.serial_causes, serial_port, port_inventory).
    "{} cannot be read at {}": "无法以 {1} 读取 {0}",
    "Look this message up in docs/serial.md": "请在 docs/serial.md 中查找此提示",
    "{} is now {}": "{} 现指向 {}",
    "Its adapter was plugged in again and renumbered": "转换线重新插拔后端口号变了",
    "It is opened again by itself; if it comes often, check plug and cable": (
        "系统会自动重新打开；若经常出现，请检查插头和线缆"
    ),
    "{} does not exist": "{} 不存在",
    "The adapter is unplugged, without power, or has another name; serial ports here: {}": (
        "转换线未插、未通电，或端口名已改变；本机现有串口：{}"
    ),
    " and {} more": " 等另外 {} 个",
    "none": "无",
    "Plug the adapter in, or give `port` in the site file one of these names": (
        "请插好转换线，或将站点文件中的 port 改为上述名称之一"
    ),
    "Permission denied for {}": "没有权限访问 {}",
    "User {} may not look into its directory": "用户 {} 无权访问所在目录",
    "Let user {} search the directories above it": "请允许用户 {} 进入其上级目录",
    "The agent runs as {}; the port belongs to group {}, mode {}": "采集程序以 {} 运行；端口属于组 {}，权限为 {}",
    "Add the user to the group: usermod -a -G {} {}, then restart the agent": (
        "请将用户加入该组：usermod -a -G {} {}，再重启采集程序"
    ),
    "Give the port to group dialout, mode 0660, by a udev rule (docs/serial.md), and add the user to that group": (
        "请用 udev 规则（见 docs/serial.md）将端口设为 dialout 组、权限 0660，并将用户加入该组"
    ),
    "If user and group are right, the service's DeviceAllow= lacks this kind of port": (
        "若用户和组无误，则是服务的 DeviceAllow= 未包含此类端口"
    ),
    "{} is busy": "{} 被占用",
    "{} holds it": "占用者：{}",
    "Another program that this user may not see": "本用户无权查看的其他程序",
    "process {} ({})": "进程 {}（{}）",
    "Stop {}; the agent then opens the port by itself": "请停止{}；采集程序随后会自动打开端口",
    "it (find it with: sudo fuser -v {})": "该程序（查找：sudo fuser -v {}）",
    "{} hung up": "{} 已断开",
    "Its adapter was unplugged, lost power or has no hardware behind it": "转换线被拔出、断电，或后面没有设备",
    "Check the adapter's plug and the USB hub's power; if it comes and goes, replace cable or hub": (
        "请检查转换线插头和 USB 集线器供电；若时断时续，请更换线缆或集线器"
    ),
    "Its adapter was unplugged or lost power, or another program reads the same port": (
        "转换线被拔出或断电，或有其他程序在读同一端口"
    ),
    "Check the adapter's plug and power; then see who reads it: sudo fuser -v {}": (
        "请检查转换线插头和供电，再查看谁在读取：sudo fuser -v {}"
    ),
    "{} is no serial port": "{} 不是串口",
    "The path names a file or a device of another kind": "该路径是文件或其他类型的设备",
    "Give `port` in the site file a path under /dev/serial/by-id": (
        "请将站点文件中的 port 改为 /dev/serial/by-id 下的路径"
    ),
    "{} does not take {}": "{} 不支持 {}",
    "The adapter does not support this baud rate or data format ({})": "转换线不支持此波特率或数据格式（{}）",
    "Compare `baud` and `data_format` with the device's menu; if they are right, the adapter cannot do them": (
        "请将 baud、data_format 与设备菜单核对；若无误，则是转换线不支持"
    ),
    "{} refuses connections on TCP port {}": "{} 拒绝 TCP 端口 {} 的连接",
    "The device or converter is there but nothing listens on this port, or it already serves its one client": (
        "设备或串口服务器在线，但此端口无人监听，或已被另一个客户端占用"
    ),
    "Check the port number and that device or converter is set to TCP server mode, then who else is connected": (
        "请检查端口号、设备或串口服务器是否为 TCP 服务端模式，以及是否另有连接"
    ),
    "{} does not answer on TCP port {}": "{} 的 TCP 端口 {} 没有应答",
    "The device or converter is off, its network cable is out, or a firewall drops the connection": (
        "设备或串口服务器未通电、网线未插，或被防火墙拦截"
    ),
    "Check its power and link lamp, then: ping {}": "请检查其电源和网口指示灯，再执行：ping {}",
    "{} cannot be reached": "无法连接 {}",
    "No such machine in this network, or this machine's own network is down ({})": (
        "本网络中没有这台设备，或本机网络已断开（{}）"
    ),
    "Check the address, this machine's cable and address (ip addr), then: ping {}": (
        "请检查地址、本机网线和地址（ip addr），再执行：ping {}"
    ),
    "The host name {} is unknown": "主机名 {} 无法解析",
    "It is misspelt or the name server does not answer ({})": "名称有误，或域名服务器没有应答（{}）",
    "Write the address as numbers in `port`, or correct the name": ("请在 port 中写数字地址，或更正名称"),
    "{} closed the connection on TCP port {}": "{} 关闭了 TCP 端口 {} 的连接",
    "The device or converter restarted, or gave its one connection to another client": (
        "设备或串口服务器重启，或将唯一的连接给了其他客户端"
    ),
    "If it comes again, see which other machine connects to it": ("若再次出现，请查看还有哪台机器与其连接"),
    "{} does not speak RFC 2217": "{} 不支持 RFC 2217",
    "The server answers but does not negotiate": "对方有应答但不协商",
    "Switch RFC 2217 on in the converter, or use socket:// and set speed and format in the converter itself": (
        "请在串口服务器中开启 RFC 2217，或改用 socket:// 并在串口服务器上设置波特率和格式"
    ),
    "{} does not take {} over RFC 2217": "{} 不接受经 RFC 2217 设置的 {}",
    "Add ?ign_set_control to the URL if the server does not confirm RTS and DTR, else set its speed itself": (
        "若对方不确认 RTS 和 DTR，请在 URL 后加 ?ign_set_control；否则请在串口服务器上设置波特率"
    ),
    "Baud rate {} is none": "波特率 {} 无效",
    "Write the device's own, e.g. 9600": "请写设备所用的波特率，如 9600",
    "Data format {} is none": "数据格式 {} 无效",
    "It is data bits 5 to 8, parity N, E, O, M or S, and stop bits 1, 1.5 or 2": (
        "数据位 5 至 8，校验 N、E、O、M 或 S，停止位 1、1.5 或 2"
    ),
    'Write it like "8N1" or "7E1"': "请写成“8N1”或“7E1”的形式",
    "Port {} is no URL this link opens": "无法打开端口 {}",
    "It needs a known kind of connection, a host and a TCP port": "须写明连接方式、主机和 TCP 端口",
    "Write socket://HOST:PORT or rfc2217://HOST:PORT, or a path under /dev/serial/by-id": (
        "请写 socket://主机:端口 或 rfc2217://主机:端口，或 /dev/serial/by-id 下的路径"
    ),
    # Modbus, GPIO, tag readers (links.modbus_bus, modbus_link, gpio_link; drivers.rfid.session).
    "Unit {} on {} answered {} values instead of {}": "{1} 上的从站 {0} 返回 {2} 个值，应为 {3} 个",
    "Two units may have one address": "可能有两个从站地址相同",
    "Unit {} on {} does not answer": "{1} 上的从站 {0} 没有应答",
    "Check its power, its address, A and B of the line, and baud rate and format": (
        "请检查其电源、地址、线路 A 与 B，以及波特率和数据格式"
    ),
    "Check its power, its address, A and B of the line, and the converter's baud rate and format": (
        "请检查其电源、地址、线路 A 与 B，以及串口服务器的波特率和数据格式"
    ),
    "Check its power and its unit number (a device of its own often takes 1, 0 or 255); behind a gateway, the wires of "
    "its line and the gateway's baud rate and format": (
        "请检查其电源和从站号（独立设备常用 1、0 或 255）；经网关连接时，请检查其线路接线以及网关的波特率和数据格式"
    ),
    "Unit {} on {} refuses address {}: {}": "{1} 上的从站 {0} 拒绝地址 {2}：{3}",
    "it does not know this function": "不支持此功能码",
    "it has no such address": "没有此地址",
    "it does not take this count or value": "不接受此数量或数值",
    "it failed while doing it": "执行时出错",
    "it is busy": "设备忙",
    "the gateway has no path to the unit": "网关没有到该从站的路径",
    "the unit behind the gateway does not answer": "网关后的从站没有应答",
    "exception {}": "异常码 {}",
    "Addresses count from 0: a manual's 10001 is discrete:0, its 30001 input:0, its 40001 holding:0": (
        "地址从 0 起算：手册中的 10001 即 discrete:0，30001 即 input:0，40001 即 holding:0"
    ),
    "Look this up in the device's manual": "请查阅设备手册",
    "{} could not be opened. It is tried again": "无法打开 {}，将自动重试",
    "{} has no output '{}'": "{} 没有输出 {}",
    "Known here: {}": "已配置的有：{}",
    "Outputs only": "仅有输出",
    "{} has no outputs": "{} 没有输出",
    "Only io/… devices have": "只有 io/… 设备有输出",
    "{} cannot be used": "{} 不能使用",
    "See which chips and lines there are with gpioinfo; the agent's user must be in the group gpio": (
        "请用 gpioinfo 查看芯片和线号；采集程序的运行用户须在 gpio 组中"
    ),
    "The reader takes no connection now ({}). Another program reads it: stop that, or wait until it is done": (
        "读写器暂不接受连接（{}）。有其他程序正在读取：请将其停止，或等待其结束"
    ),
    "The reader refuses what it was asked ({}: {} {}). Compare antennas with the reader's own, then look this status "
    "up in its manual": "读写器拒绝请求（{}：{} {}）。请核对天线设置，再在手册中查找此状态码",
    # Scanners' folders (links.folder, app.scans).
    "{} did not come into {} within {} s": "{0} 在 {2} 秒内没有出现在 {1} 中",
    "Compare the scanner's export folder with the one in the site file": "请核对扫描设备的导出目录与站点文件中的目录",
    "{} in {} was not whole within {} s": "{1} 中的 {0} 在 {2} 秒内没有写完",
    "{} was not there when the agent was stopped": "采集程序停止时 {} 尚未出现",
    "{} is not there": "{} 不存在",
    "{} in {} is no plain file": "{1} 中的 {0} 不是普通文件",
    "Links and folders are not followed": "不跟随链接和子目录",
    "{} has {} bytes; at most {} are taken": "{} 有 {} 字节，最多接收 {} 字节",
    "Raise most_bytes in the profile if the scanner's pictures are that large": (
        "若扫描图像确有这么大，请调大型号配置中的 most_bytes"
    ),
    "{} has more than {} bytes": "{} 超过 {} 字节",
    "The file name {} is refused": "文件名 {} 不予接受",
    "It is empty, hidden, too long or leads out of the folder": "文件名为空、为隐藏文件、过长或指向目录之外",
    "The scanner must name a plain file; look at the line with edge-agent decode": (
        "扫描设备应给出普通文件名；请用 edge-agent decode 查看该行"
    ),
    "{} cannot be read": "无法读取 {}",
    "Let the agent's user read the folder and its files": "请允许采集程序的运行用户读取该目录及文件",
    "the folder is read": "目录可读",
    "{} pictures are waited for already; the scanner's folder does not keep up": (
        "已有 {} 张图像在等待；扫描设备的目录跟不上"
    ),
    "its tags cannot be read: {}": "标签无法读取：{}",
    # What devices say of themselves, and how their last reading is shown (app.device_readers, incidents).
    "a detector fails or its cable is loose": "探测器故障或线缆松动",
    "Its alarms cannot be relied on until it is back": "恢复之前其报警不可信",
    "The gamma background is too high: a source near the portal, or {}": "伽马本底过高：探测门附近有放射源，或{}",
    "The gamma background is too low: {}": "伽马本底过低：{}",
    "The neutron background is too high: a source near it, or {}": "中子本底过高：附近有放射源，或{}",
    "A door of the portal is open, or its tamper switch is loose. Look at both pillars": (
        "探测门的柜门未关，或防拆开关松动。请检查两侧立柱"
    ),
    "The distance sensor gives counts that it never gives while it works: whether the place is empty or occupied is "
    "not known": ("测距传感器的数值超出其工作范围：无法判断有车或空位"),
    "Check the wires between sensor and input, and the sensor's supply; then compare in_range in its profile": (
        "请检查传感器与输入模块之间的接线和传感器供电，再核对型号配置中的 in_range"
    ),
    "it failed {} times within {} s: look for a loose plug or cable": ("{1} 秒内故障 {0} 次：请检查插头或线缆是否松动"),
    "Now: {}": "目前：{}",
}
"""By the English sentence."""

READINGS: Final[Mapping[str, str]] = {
    "occupancy: {}": "车辆通过：{}",
    "occupancy {}: {}": "第 {} 次通过：{}",
    "no alarm": "无报警",
    "gamma alarm": "伽马报警",
    "neutron alarm": "中子报警",
    "gamma and neutron alarm": "伽马和中子报警",
    "no fix": "未定位",
    "no echo": "无回波",
    "(not read)": "（未识别）",
    "{} of {}, wrong check digits: {}": "{} {}，校验码错误：{}",
    "{} of {}": "{} {}",
    "{} kg": "{} 千克",
    "{} g": "{} 克",
    "{} t": "{} 吨",
    "{} lb": "{} 磅",
    "{} mm": "{} 毫米",
    "{} on": "{} 接通",
    "{} off": "{} 断开",
}
"""How a device's last reading is shown, by its English form; for nothing else, as most of them are a word or two."""
