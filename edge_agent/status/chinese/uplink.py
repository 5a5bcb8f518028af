"""The connection to the collector, in 简体中文."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # Why the collector is not reached (enrol, app.connector).
    "the agent does not run": "采集程序未运行",
    "not connected yet": "尚未连接",
    "the collector could not be reached: {}": "无法连接中心：{}",
    "the collector's certificate is not made out to this address. Add it to `hostnames` there": (
        "中心的证书不含此地址。请在中心的 hostnames 中添加"
    ),
    "what answers there does not speak TLS. Check the address and port": "对方不支持 TLS。请检查地址和端口",
    "nobody listens there. Check address and port, and that the collector runs": (
        "对方未在监听。请检查地址和端口，以及中心是否在运行"
    ),
    "the host name is not known. Check it, and this machine's DNS": "无法解析主机名。请检查主机名和本机 DNS",
    "there is no route to the collector. Check this machine's network": "没有到中心的路由。请检查本机网络",
    "no answer. Check the address, the network and firewalls": "没有应答。请检查地址、网络和防火墙",
    "the collector's certificate is not valid yet by this machine's clock, which says {} UTC. Set the clock": (
        "按本机时钟（{} UTC），中心的证书尚未生效。请校准时钟"
    ),
    "the collector's certificate has expired by this machine's clock, which says {} UTC. If the clock is right, "
    "restart the collector: it renews its certificate": (
        "按本机时钟（{} UTC），中心的证书已过期。若时钟正确，请重启中心：证书会自动更新"
    ),
    "what answers there is not the collector this machine was invited by: its certificate comes from another "
    "authority. Check the address; if the collector was set up anew, enrol with a new invitation": (
        "对方不是邀请本机的中心：证书由其他机构签发。请检查地址；若中心已重新安装，请用新的邀请重新注册"
    ),
    "the other end closed the connection. Check that the port is the collector's for enrolment": (
        "对方关闭了连接。请检查端口是否为中心的注册端口"
    ),
    "this machine's certificate expired on {} UTC. It is renewed at the enrolment port": (
        "本机证书已于 {} UTC 到期。连接中心的注册端口后会自动更新"
    ),
    "this machine's certificate begins on {} UTC, its clock is before. Set the clock": (
        "本机证书自 {} UTC 起生效，而本机时钟早于该时间。请校准时钟"
    ),
    "this machine's certificate is foreign: it does not come from the authority it was enrolled with. Enrol with a new "
    "invitation": "本机证书不是由注册时的机构签发。请用新的邀请重新注册",
    "the collector closed the connection while TLS was set up: it is starting or stopping, or it does not accept this "
    "machine's certificate; its log says which": (
        "中心在建立 TLS 时关闭了连接：中心正在启动或停止，或不接受本机证书；请查看中心的日志"
    ),
    "the line is dead: the collector's machine does not answer. Check the network in between": (
        "线路不通：中心的机器没有应答。请检查中间网络"
    ),
    "the connection to the collector was cut: {}": "与中心的连接中断：{}",
    # When a certificate is renewed (enrol).
    "the collector at {} could not be asked": "无法向中心 {} 发出请求",
    "the collector refused": "中心已拒绝",
    "no answer within {} s": "{} 秒内没有应答",
    "check address, port, network and firewalls": "请检查地址、端口、网络和防火墙",
    "check that the port is the one for enrolment": "请检查端口是否为注册端口",
    "the collector's answer holds no certificate": "中心的应答中没有证书",
    "the collector's certificate is for another key": "中心签发的证书与本机密钥不符",
    "the old one stays in use; try again": "继续使用旧证书；请重试",
    "{} is damaged": "{} 已损坏",
    "the keys in {} cannot be used": "{} 中的密钥不能使用",
    "run as the user that owns the agent's state directory, and check that its disk has room": (
        "请以状态目录的所属用户运行，并检查磁盘空间"
    ),
    # When it is reached and does not go on (uplink.*, app.uplink).
    "the collector ended the connection": "中心结束了连接",
    "the collector can be reached and says nothing": "中心可以连接，但没有应答",
    "the collector is connected and has given no receipt for {} s": "已连接中心，但 {} 秒没有回执",
    "look at the collector's log and its disk": "请查看中心的日志和磁盘",
    "the collector refused a batch ({})": "中心拒绝了一批记录（{}）",
    "the collector holds {} records of this journal, which has {}": "中心有本日志的 {} 条记录，而本机只有 {} 条",
    "the journal was replaced by an older copy": "日志被旧的副本替换",
    "enrol this machine again: a new key begins a new journal": "请重新注册本机：新密钥对应新日志",
    "the collector sent a receipt before its welcome": "中心在应答连接之前发来回执",
    "the collector sent a receipt that does not hold": "中心发来的回执无效",
    "the collector sent a receipt that cannot be": "中心发来的回执不合理",
    "{} of {} records could not be understood": "{1} 条记录中有 {0} 条无法解析",
    "a batch that ends at {} does not continue from {}": "止于 {} 的一批记录与 {} 不衔接",
    "a receipt for {} records; only {} were sent": "回执为 {} 条记录，只发送了 {} 条",
    "the collector did not confirm evidence {}": "中心没有确认证据 {}",
    "the collector did not confirm evidence {} under its signature; it stays here": (
        "中心没有以签名确认证据 {}；证据留在本机"
    ),
    "it said so without one": "确认没有签名",
    "upgrade the collector first; if it is as new as this agent, somebody stands in between": (
        "请先升级中心；若中心与采集程序同样新，则有人在中间篡改"
    ),
    "The collector holds {} records of this journal and gave a receipt for {}: it was restored from an old backup. "
    "What it lost is sent again, as far as it is still here": (
        "中心有本日志的 {} 条记录，曾为 {} 条签发回执：中心是从旧备份恢复的。其丢失的记录会在本机仍有的范围内重发"
    ),
}
"""By the English sentence."""
