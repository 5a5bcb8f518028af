"""What each rule found, in short 简体中文 for field staff. Pure; docs/rules.md explains the rules themselves.

A sentence may name what the rule looked at: `{name}` is the first input of that name in the finding. Where an input is
missing the sentence before the bar stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

from gate_contract.v1.decision_pb2 import Finding

EXPLANATIONS: Final[Mapping[str, str]] = {
    "V01": "识别的车牌与预约车牌不一致|识别 {plate_read}，预约 {plate_booked}",
    "V02": "车牌不符合号牌规则|识别 {plate_read}",
    "V03": "挂车号牌与申报不一致|识别 {trailer_read}，申报 {trailer_declared}",
    "V04": "同一车牌先后出现在两个站点，间隔时间过短|上次 {seen_before_utc}",
    "V05": "同一方向连续通过两次，中间没有返回记录|上次 {seen_before_utc}",
    "V06": "驾驶员或承运企业与备案不一致|",
    "C01": "集装箱号不符合 ISO 6346 校验规则|识别 {container_read}",
    "C02": "集装箱不在申报清单中，或箱号未读到|识别 {container_read}，申报 {container_declared}",
    "C03": "集装箱箱型尺寸与申报不一致|箱号 {container}，识别 {size_type_read}",
    "C05": "申报为空箱，检测到箱内有货|",
    "C06": "申报为重箱，检测为空箱|",
    "C07": "封志缺失、破损或与申报不一致|查见 {seal_seen}，申报 {seal_declared}",
    "W01": "实测重量与申报重量之差超出允许范围|实测 {gross_kilograms} 千克，应为 {expected_kilograms} 千克，"
    "相差 {difference_kilograms} 千克",
    "W02": "超过法定总质量限值|实测 {gross_kilograms} 千克，{axles} 轴限值 {limit_kilograms} 千克",
    "W03": "重量无法判定，须人工核查|",
    "W04": "各轴重量之和与总重不一致|轴重之和 {axles_kilograms} 千克，总重 {total_kilograms} 千克",
    "W05": "集装箱验证总质量（VGM）与实测不符|申报 {verified_gross_kilograms} 千克，实测 {measured_kilograms} 千克",
    "X01": "扫描图像中未见申报的货物类别，请查看图像|图像 {chapters_seen}，申报 {chapters_declared}",
    "X02": "扫描设备或辐射探测门报警，或扫描结果可疑|",
    "X03": "要求机检但没有可用的扫描图像，或本车道的机检、辐射探测结果缺失|要求：{scan_ordered}",
    "P01": "未出示证件，证件不在该航次的旅客名单中，或无法查询旅客名单|",
    "P02": "人脸未能与证件照片比对一致或未采集到人脸，请在人工通道核验|已尝试 {tries} 次",
    "P03": "疑似使用照片、屏幕或面具，请人工核验|",
    "P04": "证件校验码不符或已过期|",
    "P05": "同一证件重复登船，或短时间内出现在两地|上次 {seen_before_utc}",
    "P06": "有购票旅客未登船|购票 {tickets} 人，登船 {boarded} 人",
    "P07": "清点人数与登船人数不一致|清点 {heads} 人，登船 {boarded} 人",
    "P08": "停留天数提示|",
    "D01": "已申报，但开航后未见车辆|车牌 {plate_booked}，航次 {sailing}",
    "D02": "该车道的货物须申报，未找到对应申报单|识别车牌 {plate_read}",
    "D03": "清点件数与申报不一致|申报 {packages_declared} 件，清点 {packages_counted} 件",
    "D04": "车辆到达后才申报|申报时间 {lodged_utc}",
    "D05": "车辆被识别或选中查验后，申报单有修改|修改时间 {amended_utc}",
    "D06": "放行凭证重复使用，或超出申报数量|",
    "M01": "支付金额与申报价格不一致|申报折合 {value_yuan} 元，支付折合 {paid_yuan} 元",
    "M02": "订单、支付与物流的当事人不一致|",
    "M03": "税款未缴，或担保余额不足|应缴 {duty_due_yuan} 元，已缴 {duty_paid_yuan} 元，"
    "担保余额 {guarantee_left_yuan} 元",
    "S01": "航次不在船期表中、已取消，或船舶不在港|航次 {sailing}",
    "O01": "命中布控指令，须由发布机关处理|{order}：{instruction_zh}",
    "O02": "布控指令无效或已过期，不予执行，仅提示|{order}",
    "R01": "按信用等级或随机抽查结果，须查验或核对单证|",
    "K01": "本闸口时钟可能不准，仅提示|误差上限 {error_bound_seconds} 秒",
    "K02": "因信息晚到，已重新判定|",
    "K03": "记录链有缺失或分叉，请联系运维人员|",
    "K05": "本地参考数据从未收到或已过旧，须人工核查|已 {reference_age_seconds} 秒未更新",
    "detained": "查验后扣留|",
    "override": "执法人员另行决定，取代系统判定|",
}
"""By the rule's code; "detained" and "override" are what an officer asked for (gate_contract.holds)."""

_NOTHING: Final[Mapping[str, str]] = {
    "missing": "未读到",
    "none": "无",
    "none known": "无记录",
    "no number": "无号码",
    "not counted": "未清点",
    "not known": "未知",
    "not read": "未读出",
}
"""How the rules say that there is nothing, and what that is in Chinese."""

_CHINA: Final = timezone(timedelta(hours=8))
"""China standard time, the same everywhere and all year."""


def explained_of(finding: Finding) -> str:
    """A finding in Chinese; "" as `explained`."""
    inputs: dict[str, str] = {}
    for each in finding.inputs:
        inputs.setdefault(each.name, each.value)
    return explained(finding.code, inputs)


def explained(code: str, inputs: Mapping[str, str]) -> str:
    """One finding in Chinese; "" for a rule that a newer release brings, which is then told in English."""
    plain, _, detail = EXPLANATIONS.get(code, "").partition("|")
    try:
        more = detail.format_map({name: _worded(name, value) for name, value in inputs.items() if value})
    except KeyError:
        more = ""
    return f"{plain}（{more}）" if more else plain


def _worded(name: str, value: str) -> str:
    """An input's value as it is read at the gate; times, which rules give in UTC, by the clock on the wall."""
    if name.endswith("_utc"):
        try:
            return f"{datetime.fromisoformat(value).astimezone(_CHINA):%Y-%m-%d %H:%M:%S}"
        except ValueError:
            return value
    return _NOTHING.get(value, value)
