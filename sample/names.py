"""Names and bodies of the sample city, as one meets them in Shanghai."""

from __future__ import annotations

import numpy as np

NORTH_SOUTH = [
    "西藏中路",
    "浙江中路",
    "河南中路",
    "福建中路",
    "四川中路",
    "山东中路",
    "江西中路",
    "成都北路",
    "石门一路",
    "陕西北路",
    "茂名北路",
    "瑞金一路",
    "黄陂北路",
    "重庆北路",
    "常德路",
    "江宁路",
    "胶州路",
    "西康路",
    "云南中路",
    "广西北路",
]
EAST_WEST = [
    "淮海中路",
    "复兴中路",
    "北京东路",
    "南京东路",
    "福州路",
    "新闸路",
    "汉口路",
    "九江路",
    "广东路",
    "威海路",
    "金陵东路",
    "建国中路",
    "天津路",
    "宁波路",
    "厦门路",
    "长寿路",
    "澳门路",
    "昌平路",
    "康定路",
    "武定路",
]
LANES = [
    "牯岭路",
    "凤阳路",
    "黄河路",
    "长沙路",
    "新昌路",
    "大沽路",
    "贵州路",
    "湖北路",
    "山西南路",
    "盛泽路",
    "永寿路",
    "松下路",
    "云台路",
    "江阴路",
    "马当路",
    "顺昌路",
    "济南路",
    "东台路",
    "崇德路",
    "寿宁路",
    "桃源路",
    "普安路",
    "柳林路",
    "会稽路",
    "太仓路",
    "兴业路",
    "合肥路",
    "永年路",
    "自忠路",
    "吉安路",
    "方浜西路",
    "露香园路",
    "大境路",
    "人民路",
    "青莲街",
    "亳州路",
    "甘谷路",
    "芷江路",
    "曲阜路",
    "安庆路",
    "海宁路",
    "天潼路",
    "七浦路",
    "塘沽路",
]
PLACES = [
    "永安",
    "承兴",
    "福康",
    "同福",
    "宝康",
    "景行",
    "尚贤",
    "霞飞",
    "渔阳",
    "树德",
    "步高",
    "辅德",
    "梅兰",
    "福寿",
    "瑞康",
    "长乐",
    "兴业",
    "祥德",
    "松寿",
    "春阳",
    "曹杨",
    "长征",
    "甘泉",
    "普乐",
    "石泉",
    "宜川",
    "海防",
    "江苏",
    "武宁",
    "新会",
]
ORDINALS = "一二三四五六七八九十"

ELEVATED = "延安高架路"
UNDER_ELEVATED = "延安中路"
CREEK = "苏州河"
SOUTH_BANK, NORTH_BANK = "南苏州路", "北苏州路"
PARK = "人民公园"

OWNERS = {
    "JS": "上海城投水务集团",
    "PS": "上海市排水管理所",
    "RQ": "上海燃气有限公司",
    "DL": "国网上海市电力公司",
    "TX": "上海信息管线有限公司",
    "RL": "上海热力供应公司",
    "HY": "上海航油管道公司",
}
MAINTAINERS = {
    "JS": "供水管网养护所",
    "PS": "排水设施养护公司",
    "RQ": "燃气管网运行公司",
    "DL": "电缆运检中心",
    "TX": "通信管线维护中心",
    "RL": "热力管网维护队",
    "HY": "航油管线巡护队",
}


def street_names(pool: list[str], count: int) -> np.ndarray:
    """As many different names as asked for: the pool, then its names with 支路, 二支路 and so on."""
    numbers = np.arange(count)
    names = np.array(pool, dtype=object)[numbers % len(pool)]
    rounds = numbers // len(pool)
    return np.array(
        [name if not turn else f"{name}{_branch(turn)}" for name, turn in zip(names, rounds)], dtype=object
    )


def _branch(turn: int) -> str:
    if turn == 1:
        return "支路"
    return f"{ORDINALS[turn - 1]}支路" if turn <= len(ORDINALS) else f"{turn}支路"
