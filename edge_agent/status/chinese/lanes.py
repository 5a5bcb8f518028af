"""Lanes, gateways and the desk, in 简体中文: why a reading belongs to no passage, what came of a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "weight": "重量",
    "plate": "车牌",
    "axles": "轴重",
    "container": "箱号",
    "scan": "扫描",
    "radiation": "辐射",
    "document": "证件",
    "face": "人脸",
    "seal": "封志",
    "input": "触点",
    "distance": "测距",
}
"""What a lane can be equipped to read (edge_agent.model.observation.ReadingKind)."""

OF_A_KIND: Final[Mapping[str, str]] = {
    "more readings of one {} than a passage holds": "一次通行的{}读数超过上限",
    "more {}s than vehicles fit before the {}": "等候的{}读数超过{}前可容纳的车辆数",
    "a further read of a {} of a passage that had been decided": "通行已判定后的又一次{}读数",
}
"""What is said of a reading of such a kind; only here these words are told in Chinese: elsewhere one may be a name."""

SENTENCES: Final[Mapping[str, str]] = {
    **OF_A_KIND,
    **{
        english.replace("{}", kind, 1): told.replace("{}", name, 1)
        for english, told in OF_A_KIND.items()
        for kind, name in KINDS.items()
    },
    # Why a reading belongs to no passage (assemble, app.agent).
    "nobody was known to be in the lane": "当时车道内没有车辆或人员",
    "the loop's state when it was first heard": "地感接入时的初始状态",
    "its passage was revised too often already": "该次通行的修订次数已达上限",
    "it was read behind a vehicle that left, and nobody followed": "在驶离车辆之后读到，其后没有车辆跟进",
    "it is of an earlier vehicle, which is not remembered any more": "属于更早的车辆，已不再保留",
    "the scan had been told before": "该次扫描此前已上报",
    "an observation point takes plates only": "观测点只接收车牌",
    "a further read of a vehicle read often enough": "同一车辆的重复识别",
    "a further read of a vehicle that had been {}": "{}的车辆的又一次识别",
    "decided": "已判定",
    "read often enough": "已多次识别",
    "a further read of a vehicle that had been decided": "车辆已判定后的又一次识别",
    "its device is no longer in the site file": "该设备已不在站点文件中",
    # What came of a release, and why something was commanded (actuate.gateway).
    "passed": "已通过",
    "not passed within {} s": "{} 秒内未通过",
    "not known: the agent was restarted": "未知：采集程序重启过",
    "not known: {}": "未知：{}",
    "taken back before anybody passed": "通过之前已撤回",
    "the agent was started": "采集程序启动",
    "the agent was stopped": "采集程序停止",
    "fail-safe {}": "故障保护：{}",
    "{} answers again": "{} 已恢复应答",
    "departed": "已驶离",
    "decision": "系统判定",
    "act {}": "执法人员操作 {}",
    # Incidents of lanes and the desk (app.agent, desk, desk_acts, desk_station; desk.spool; model.handed_act).
    "Somebody went through lane {} whom nothing had let through. Look at its cameras and barrier": (
        "{} 车道有车辆或人员未经放行通过。请查看该车道的摄像机和道闸"
    ),
    "An act was refused whose signature is not that of officer {} (user id {})": (
        "拒绝了一项操作：签名与执法人员 {} 不符（用户号 {}）"
    ),
    "The act in {}, made while the agent did not run, was refused. {}": "拒绝了采集程序未运行期间保存的操作（{}）。{}",
    "Lane {} has too many passages that wait for an officer: {} is not kept at the gate any more. Its hold stands; it "
    "is decided at the collector": ("{} 车道等待处理的通行过多：本闸口不再保留 {}。其拦截仍然有效，由中心处理"),
    "A picture of act {} was not kept: the gate's disk was full. Make room (gatectl status)": (
        "操作 {} 的一张照片未能保存：磁盘已满。请清理空间（gatectl status）"
    ),
    "the desk's socket {} cannot be made": "无法建立操作通道 {}",
    "check that runtime_dir in [agent] belongs to the agent's user; until then acts of officers wait in their spool": (
        "请检查 [agent] 中的 runtime_dir 是否归采集程序的运行用户所有；在此之前操作会先保存"
    ),
    "It is no officer's act: hand it over with gatectl": "不是有效的人员操作：请使用 gatectl 提交",
    "It is no officer's act: {}": "不是有效的人员操作：{}",
    "it cannot be read: {}": "无法读取：{}",
    "it is too large for an act": "数据过大，不是操作",
    "there is no act in it": "其中没有操作",
    "there are more than {} pictures": "照片超过 {} 张",
    "one part of it has {} bytes; at most {} are taken": "其中一部分有 {} 字节，最多接收 {} 字节",
    "it was cut off: {} bytes came instead of {}": "数据不完整：只收到 {} 字节，应为 {} 字节",
    "The signature is not this officer's: use the key that belongs to the officer id, or name the right officer": (
        "签名与该人员不符：请使用该人员编号对应的密钥，或改用正确的编号"
    ),
    "There are too many acts on this passage: call the supervisor, who decides at the collector": (
        "该次通行的操作记录过多：请联系主管，由中心处理"
    ),
    "It gives no reason: say why (--reason)": "没有填写原因：请用 --reason 说明",
    "It is for site {}; this gate is at {}": "该操作属于站点 {}，本闸口为 {}",
    "The pictures are not those that the act names: take it anew": "照片与操作所列不符：请重新提交",
    "Officer {} acts for {}, not for {}": "人员 {} 属于 {}，不属于 {}",
    "Officer {} was not in office at that time: ask who keeps the list of officers, and look at this machine's clock": (
        "人员 {} 当时不在任：请联系名单管理员，并检查本机时钟"
    ),
    "It does not hold: {}": "操作无效：{}",
    # The agent's Chinese answers that end with a reason in English.
    "操作无效：{}": "操作无效：{}",
    "不是有效的人员操作：{}": "不是有效的人员操作：{}",
    # Why an act or a control order does not hold (gate_contract.acts, orders; edge_agent.decide.orders).
    "{} bytes are more than an act has ({})": "{} 字节，超过操作的上限（{}）",
    "it is no SignedAct": "不是已签名的操作",
    "{} is no officer of this deployment": "{} 不在执法人员名单中",
    "the signature of officer {} does not hold": "执法人员 {} 的签名无效",
    "officer {} acts for {}, not for {}": "执法人员 {} 属于 {}，不属于 {}",
    "officer {} was not in office when it was done": "执法人员 {} 当时不在任",
    "officer {} was not in office any more when it was recorded, and that it was signed before cannot be proved": (
        "执法人员 {} 在记录时已不在任，且无法证明是在此之前签名的"
    ),
    "it was made in the deployment {}, not in this one": "操作属于其他部署 {}",
    "it says that it was done later than its gate recorded it": "操作时间晚于闸口的记录时间",
    "it is given in the deployment {}, not in this one": "指令属于其他部署 {}",
    "it is written in format {}, which this release does not know": "其格式 {} 为本版本所不识",
    "it has no id, or names no passage": "缺少编号或通行编号",
    "it names no authority": "未写明主管机关",
    "it does not say when it was done": "未写明操作时间",
    "it gives no reason: say why": "没有填写原因",
    "it does nothing that this release knows": "本版本不识此操作",
    "its inspection does not say what it found: as declared, differs or detained": ("查验未写明结果：相符、不符或扣留"),
    "its override asks for none of release, review, inspect and hold": "另行决定未写明放行、核查、查验或拦截",
    "This gate does not follow {}": "本闸口不执行{}",
    "control order {}: {}": "布控指令 {}：{}",
    "(unreadable)": "（无法读取）",
    "Version {}, which this gate has, stays as it is": "本闸口现有的版本 {} 保持不变",
    "it was taken back without the signatures of two officers": "撤回时没有两名执法人员的签名",
    "under its id came another order": "同一编号下收到另一条指令",
    "version {} came after version {}": "版本 {} 晚于版本 {} 到达",
    "a version came that {} gave: only who gave an order changes or lifts it": (
        "收到由 {} 发布的版本：只有原发布机关可以修改或解除指令"
    ),
    "it was to be forgotten before it expires": "指令在到期之前被要求删除",
    "it had expired when it came (version {})": "收到时已过期（版本 {}）",
    "{} bytes are more than an order has ({})": "{} 字节，超过指令的上限（{}）",
    "it is no SignedOrder": "不是已签名的指令",
    "author and approver are the same person: another one must approve it": "发布人与批准人为同一人：须由他人批准",
    "its {} {} is no officer of this deployment": "其{} {} 不在执法人员名单中",
    "the signature of its {} {} does not hold": "其{} {} 的签名无效",
    "author": "发布人",
    "approver": "批准人",
    "officer {} may not {} orders": "执法人员 {} 无权{}指令",
    "give": "发布",
    "approve": "批准",
    "its {} {} acts for {}, not for {}": "其{} {} 属于 {}，不属于 {}",
    "officer {} was not in office when it was given": "执法人员 {} 在发布时不在任",
    "it has no id or no version": "缺少编号或版本",
    "it names no legal basis": "未写明法律依据",
    "it asks for none of review, inspect and hold": "未写明核查、查验或拦截",
    "it is for a direction that this release does not know": "通行方向为本版本所不识",
    "it is about {} things, not 1 to {}": "布控对象有 {} 个，应为 1 至 {} 个",
    "one of the things it is about is empty, no passage can show it, or this release does not know its kind": (
        "有布控对象为空、无法在通行中出现，或类型为本版本所不识"
    ),
    "it is lifted without a reason": "解除指令未写明理由",
    "it does not say from when until when it is in force": "未写明有效期的起止时间",
    "it is in force for more than {} days": "有效期超过 {} 天",
}
"""By the English sentence."""
