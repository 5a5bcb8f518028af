"""Cameras that push, are asked or give pictures, in 简体中文."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # Cameras that push (app.camera, app.agent, links.http_push, http_conversation, http_request).
    "this machine cannot listen for it now; it tries again": "本机暂时无法监听该摄像机的推送，正在重试",
    "no push has come since the agent started": "采集程序启动后尚未收到推送",
    "the camera pushes": "摄像机推送正常",
    "No push has come for {} s. Check the camera's power and network cable, then that it still posts to this gate "
    "(HTTP listening, its URL and heartbeat)": (
        "已 {} 秒没有收到推送。请检查摄像机电源和网线，再检查是否仍向本闸口推送（HTTP 监听、URL 和心跳设置）"
    ),
    "A push from {} was refused. {}. docs/cameras.md says what to do": (
        "拒绝了来自 {} 的推送。{}。处理办法见 docs/cameras.md"
    ),
    "somewhere": "未知地址",
    "Cannot listen for pushes on {} port {}": "无法在 {} 端口 {} 监听推送",
    "Choose an address of this machine and a port that no other program uses": (
        "请选择本机地址和未被其他程序占用的端口"
    ),
    "Cannot accept a connection: {}": "无法接受连接：{}",
    "503: cannot serve another connection: {}": "503：无法再接受连接：{}",
    "503: too many connections at once": "503：同时连接过多",
    "Too many connections at once": "同时连接过多",
    "There is no {} here, only {}": "本机没有 {}，只有 {}",
    "{} takes POST, not {}": "{} 只接受 POST，不接受 {}",
    "{} may not push to {}": "{} 不在 {} 的允许地址中",
    "{} asks for a user name and password": "{} 需要用户名和密码",
    "This port speaks plain HTTP, and what came is TLS": "此端口为普通 HTTP，收到的却是 TLS",
    "the camera is set to push by https; set it to http": "摄像机设置为以 https 推送；请改为 http",
    "The push for {} could not be kept": "{} 的推送未能保存",
    "The request's head has more than {} bytes": "请求头超过 {} 字节",
    "The request's head was not complete within {} s": "请求头未在 {} 秒内收全",
    "Too much is being pushed at once": "同时推送的数据过多",
    "The gate is being stopped": "闸口正在停止",
    "The body ended after {}{} bytes": "请求体只收到 {}{} 字节",
    " of {}": " / {}",
    "the peer closed, or sent nothing more within {} s": "对方已断开，或 {} 秒内没有继续发送",
    "This is no HTTP request": "不是 HTTP 请求",
    "it begins with {}": "开头为 {}",
    "Only HTTP/1.0 and HTTP/1.1 are spoken here": "仅支持 HTTP/1.0 和 HTTP/1.1",
    "The header field {} is malformed": "请求头字段 {} 格式有误",
    "A line between the chunks is too long": "分块之间的行过长",
    "The trailer is too long": "尾部字段过长",
    "A chunk is longer than its size says": "分块比所声明的长",
    "The chunk size {} is malformed": "分块长度 {} 格式有误",
    "The body's length is given in two ways, or in one too new": "请求体长度有两种写法，或写法过新",
    "The only transfer coding understood here is chunked": "仅支持 chunked 传输编码",
    "The request does not say how long its body is": "请求未说明请求体长度",
    "The Content-Length {} is no number": "Content-Length {} 不是数字",
    "The body has more than {} bytes": "请求体超过 {} 字节",
    # Cameras that are asked (app.camera_pull, camera_pull_point, camera_keep, links.http_*).
    "it has not answered yet": "尚未应答",
    "the camera answers": "摄像机应答正常",
    "{} sends bytes and no event. It is another camera, or other firmware, than {} describes. Record what it sends and "
    "try `edge-agent decode` with other profiles": (
        "{} 有数据但没有事件。摄像机型号或固件与 {} 不符。请录下其数据，用 edge-agent decode 试其他型号配置"
    ),
    "Reading {} failed": "读取 {} 失败",
    "The camera at {}": "{} 的摄像机",
    "Switch on ONVIF in the camera, with a user of its own; `path` names its event service": (
        "请在摄像机中开启 ONVIF 并建立专用用户；path 为其事件服务的路径"
    ),
    "The camera answers with no events": "摄像机应答中没有事件",
    "it has forgotten the subscription, or restarts": "订阅已失效，或摄像机正在重启",
    "The password file {} cannot be read": "无法读取密码文件 {}",
    "Make it readable for the agent's user, and for nobody else": "请设为仅采集程序的运行用户可读",
    "The password file {} is empty": "密码文件 {} 为空",
    "Write the password as its first line": "请将密码写在第一行",
    "{} refuses this user (403)": "{} 拒绝此用户（403）",
    "Give the user the right to receive events, or unlock it": "请授予该用户接收事件的权限，或解锁该用户",
    "{} has no such address (404)": "{} 没有此地址（404）",
    "Compare profile, path and channel with the camera's model and firmware": (
        "请将型号配置、路径和通道与摄像机型号、固件核对"
    ),
    "{} sends us to {}": "{} 重定向到 {}",
    "Write that address as url, if it is the camera's: redirects are not followed": (
        "若该地址属于摄像机，请将其写入 url：系统不跟随重定向"
    ),
    "{} answers {}": "{} 应答 {}",
    "it is overloaded, still starting, or serves as many streams as it can": "设备过载、正在启动，或视频流已达上限",
    "Close other clients of it, or restart it": "请关闭其他客户端，或重启设备",
    "Compare profile, path and channel with the camera's model": "请将型号配置、路径和通道与摄像机型号核对",
    "{} asks for a user and password": "{} 需要用户名和密码",
    "it offers only {}, which would send the password as it is": "仅支持 {}，密码会以明文发送",
    "Switch on digest authentication in the camera, and write user and password_file in the site file": (
        "请在摄像机中开启摘要认证，并在站点文件中填写 user 和 password_file"
    ),
    "its digest challenge asks for something that is not known here: {}": "其摘要认证使用了不支持的方式：{}",
    "Update the camera's firmware": "请升级摄像机固件",
    "{} refuses the user or the password": "{} 拒绝用户名或密码",
    "Correct user and password_file. It is asked again in {} s, so that it does not lock the user": (
        "请更正 user 和 password_file。为避免锁定用户，{} 秒后再试"
    ),
    "Write user and password_file": "请填写 user 和 password_file",
    "{} does not answer": "{} 没有应答",
    "nothing came back from its address": "该地址没有任何回应",
    "Check its power, its network cable and the address in url": "请检查电源、网线和 url 中的地址",
    "{} has said nothing for {} s": "{} 已 {} 秒没有数据",
    "it hangs, or the network in between is cut": "设备卡死，或中间网络中断",
    "Check its network cable; if it is there, restart the camera": "请检查网线；若无问题，请重启摄像机",
    "{} broke off its answer": "{} 的应答中断",
    "It is asked again; if it happens often, look at its power and network cable": (
        "将自动重试；若经常出现，请检查电源和网线"
    ),
    "{} cannot be asked": "无法查询 {}",
    "Check the url": "请检查 url",
    "{} does not prove who it is": "{} 的身份无法确认",
    "Name the camera's certificate in the site file: ca_file, or fingerprint": (
        "请在站点文件中用 ca_file 或 fingerprint 指定摄像机证书"
    ),
    "its certificate has the fingerprint {}": "其证书指纹为 {}",
    "The CA file {} cannot be used": "CA 文件 {} 不能使用",
    "Write the path of a PEM file in ca_file": "请在 ca_file 中填写 PEM 文件路径",
    "{} refuses the connection": "{} 拒绝连接",
    "nothing listens on that port": "该端口无人监听",
    "Check the port in url; a camera that has just been switched on needs a minute": (
        "请检查 url 中的端口；刚通电的摄像机需要约一分钟"
    ),
    "there is no way to its network": "没有到该网络的路由",
    "Check this machine's own network cable and address": "请检查本机网线和地址",
    "Compare this machine's clock and the camera's: one of them is wrong": "请核对本机与摄像机的时钟：其中一个有误",
    "Renew the camera's certificate, or {}; if its date is right, this machine's clock is wrong": (
        "请更新摄像机证书，或{}；若证书日期无误，则是本机时钟有误"
    ),
    "Write the name or address that its certificate has in url, or {}": "请在 url 中写其证书所含的名称或地址，或{}",
    "pin it in the site file: fingerprint": "在站点文件中用 fingerprint 固定该证书",
    "the site file names none": "站点文件中没有填写",
    "Write user and password_file for this camera": "请为该摄像机填写 user 和 password_file",
    "{}, or no TLS from its port": "{}，或该端口没有 TLS",
    "{}; if it answers ping, whether that port is its https port": "{}；若能 ping 通，请检查该端口是否为 https 端口",
    "{} answers, but not in HTTP": "{} 有应答，但不是 HTTP",
    "Check host, port and http or https in url: something else seems to listen there": (
        "请检查 url 中的主机、端口和 http 或 https：对方似乎是其他服务"
    ),
    "{} does not speak TLS that this gate knows": "{} 的 TLS 不受本闸口支持",
    "Check that the port in url is the camera's https port; for its http port write http://": (
        "请检查 url 中的端口是否为摄像机的 https 端口；若为 http 端口，请写 http://"
    ),
    "its name is unknown: misspelt, or the name server does not answer ({})": (
        "名称无法解析：名称有误，或域名服务器没有应答（{}）"
    ),
    "Write its address as numbers in url": "请在 url 中写数字地址",
    "It is asked again; if it comes often, see its power": "将自动重试；若经常出现，请检查电源",
    "Compare profile and path with the camera's model and firmware": "请将型号配置和路径与摄像机型号、固件核对",
    "Check the name or address in url": "请检查 url 中的名称或地址",
    "{} ended the stream": "{} 结束了数据流",
    "it restarts, or its session has run out": "设备正在重启，或会话已到期",
    "{} answers with more than {} bytes": "{} 的应答超过 {} 字节",
    "{} answers too slowly": "{} 应答过慢",
    "{} bytes in {} s": "{1} 秒 {0} 字节",
    "Look at the camera's load and at the network in between": "请检查摄像机负载和中间网络",
    "{} is not asked any more": "已不再查询 {}",
    "{} did not answer within {} s": "{} 在 {} 秒内没有应答",
    "it sends its answer byte by byte, or hangs": "应答逐字节发送，或已卡死",
    "Restart the camera; if it stays so, look for another device at its address": (
        "请重启摄像机；若仍如此，请检查是否有其他设备使用同一地址"
    ),
    "the answer is no SOAP: {}": "应答不是 SOAP：{}",
    "it names no address to ask at": "没有给出查询地址",
    "it gives no pull point: {}": "没有给出拉取点：{}",
    # Cameras that give pictures (links.camera).
    "The camera is open again; waiting for its pictures": "摄像机已重新打开，正在等待画面",
    "No picture has come for {} s though the connection is open. Restart the camera; if that helps only for a while, "
    "look at its power supply and network cable": (
        "连接正常，但已 {} 秒没有画面。请重启摄像机；若不久又出现，请检查供电和网线"
    ),
    "The picture has not changed in a single dot for {} s. The camera hangs and repeats itself, or it is covered or in "
    "complete darkness. Wave a hand before it; if nothing moves, restart it. It is being connected again": (
        "画面已 {} 秒没有任何变化。摄像机卡死、被遮挡或处于全黑环境。请在镜头前挥手；若画面不动，请重启摄像机。"
        "正在重新连接"
    ),
    "What comes is no picture. {}": "收到的不是图像。{}",
    "Cameras and videos cannot be read here": "本机无法读取摄像机和视频",
    "the library opencv-python is not {} ({})": "程序库 opencv-python {}（{}）",
    "Install it with: apt-get install libgl1 libglib2.0-0": "安装：apt-get install libgl1 libglib2.0-0",
    "Install it with: pip install 'tidegate[edge,vision]' (or the extra camera alone)": (
        "安装：pip install 'tidegate[edge,vision]'（或只装 camera）"
    ),
    "Pictures of {} have more than {} million dots": "{} 的图像超过 {} 百万像素",
    "A picture of it could not be decoded: it came torn": "图像无法解码：数据残缺",
    "{} has sent no picture for {} s": "{} 已 {} 秒没有画面",
    "{} ended its stream": "{} 结束了视频流",
    "it restarts, or serves as many streams as it can": "设备正在重启，或视频流已达上限",
    "{} sends no picture": "{} 没有画面",
    "the camera or its driver hangs": "摄像机或其驱动卡死",
    "Plug it in again": "请重新插拔",
    "{} is no video file": "{} 不是视频文件",
    "there is no such file": "没有此文件",
    "Correct `source`": "请更正 source",
    "{} is no video that can be read": "{} 不是可读取的视频",
    "it is damaged, cut short, empty, too large, or of an unknown kind": "文件损坏、不完整、为空、过大或类型不明",
    "Give an MP4, MKV, AVI or MOV file with H.264, H.265, MPEG-4 or motion JPEG": (
        "请使用 H.264、H.265、MPEG-4 或 Motion JPEG 编码的 MP4、MKV、AVI 或 MOV 文件"
    ),
    "There is no camera at {}": "{} 没有摄像机",
    "it is unplugged, or has another number since the last start": "摄像机未插，或重启后编号已变",
    "Plug it in; write its name under /dev/v4l/by-id in `source`, which does not change": (
        "请插好；在 source 中写 /dev/v4l/by-id 下的固定名称"
    ),
    "This user may not open {}": "本用户无权打开 {}",
    "Add the agent's user to the group video: usermod -aG video USER": (
        "请将采集程序的运行用户加入 video 组：usermod -aG video 用户"
    ),
    "{} cannot be opened": "无法打开 {}",
    "another program uses it, or it is no camera that gives pictures": "被其他程序占用，或不是能输出图像的摄像机",
    "See: v4l2-ctl --list-devices, and fuser {}": "请查看：v4l2-ctl --list-devices 和 fuser {}",
    "{} is gone": "{} 已不存在",
    "{} has sent no whole picture for {} s": "{} 已 {} 秒没有完整画面",
    "its pictures come too slowly": "图像传输过慢",
    "Choose a smaller picture or fewer a second in the camera's menu; look at its network cable": (
        "请在摄像机菜单中降低分辨率或帧率；并检查网线"
    ),
    "A picture of the stream has more than {} MiB": "视频流中有图像超过 {} MiB",
    "the camera never ends it, or this is no camera": "图像没有结束，或对方不是摄像机",
    "Choose a smaller picture in the camera's menu": "请在摄像机菜单中降低分辨率",
    "a part of it has no end of its head": "其中一段的头部没有结束",
    "it is one picture, not a stream": "是单张图像，不是视频流",
    'Write every = "1 s" to have it asked again': '请写 every = "1 s"，以便定时读取',
    "it does not begin with a boundary": "开头没有分隔行",
    "What the camera sends is no motion JPEG stream": "摄像机发送的不是 Motion JPEG 视频流",
    "Compare the path in `source` with the camera's manual: it must be the one of its MJPEG stream": (
        "请将 source 中的路径与摄像机手册核对：应为其 MJPEG 视频流的路径"
    ),
    "A camera of the Raspberry Pi cannot be read here": "本机无法读取树莓派摄像机",
    "the library picamera2, or libcamera under it, is not installed ({})": "未安装程序库 picamera2 或 libcamera（{}）",
    "On Raspberry Pi OS: apt install python3-picamera2, and make the environment with python3 -m venv "
    "--system-site-packages; elsewhere use v4l2, RTSP or HTTP": (
        "Raspberry Pi OS：apt install python3-picamera2，并用 python3 -m venv --system-site-packages 建立环境；"
        "其他系统请用 v4l2、RTSP 或 HTTP"
    ),
    "camera {} of this Raspberry Pi": "本树莓派的摄像机 {}",
    "The {} cannot be opened": "无法打开{}",
    "See rpicam-hello --list-cameras; look at the ribbon cable, and that no other program uses it": (
        "请查看 rpicam-hello --list-cameras；检查排线，并确认没有其他程序占用"
    ),
    "The {} sends nothing": "{}没有画面",
    "no picture for {} s": "已 {} 秒没有图像",
    "Look at the ribbon cable": "请检查排线",
    "its name is not known": "名称无法解析",
    "Write its address instead": "请改写数字地址",
    "Check its power, its network cable and the address in `source`": "请检查电源、网线和 source 中的地址",
    "Check the port in `source`; a camera that has just been switched on needs a minute": (
        "请检查 source 中的端口；刚通电的摄像机需要约一分钟"
    ),
    "Check `source`": "请检查 source",
    "{} gives no RTSP stream": "{} 没有 RTSP 视频流",
    "what answers there does not speak RTSP": "对方不支持 RTSP",
    "Compare port and path in `source` with the camera's manual": "请将 source 中的端口和路径与摄像机手册核对",
    "{} gives no pictures": "{} 没有图像",
    "it describes a stream, and no picture of it came or could be decoded": "有视频流描述，但没有收到或无法解码图像",
    "Choose H.264, H.265 or MJPEG for this stream in the camera's menu": (
        "请在摄像机菜单中将该视频流设为 H.264、H.265 或 MJPEG"
    ),
    "{} has no such stream (404)": "{} 没有此视频流（404）",
    "Compare the path in `source` with the camera's manual; it also names the channel": (
        "请将 source 中的路径与摄像机手册核对；路径也指定通道"
    ),
    "{} serves no further stream ({})": "{} 不再提供更多视频流（{}）",
    "too many clients watch it": "观看的客户端过多",
    "Close other clients": "请关闭其他客户端",
    "Compare `source` with the camera's manual": "请将 source 与摄像机手册核对",
}
"""By the English sentence."""
