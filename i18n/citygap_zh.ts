<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>CardAlgorithm</name>
    <message>
        <source>Describe the sources</source>
        <translation>描述数据源</translation>
    </message>
    <message>
        <source>Says which role each layer is taken for, how sure that is, its fields, and what is missing.</source>
        <translation>说明每个图层被认作什么角色、有多大把握、有哪些字段、还缺什么。</translation>
    </message>
    <message>
        <source>Card</source>
        <translation>数据卡</translation>
    </message>
</context>
<context>
    <name>CheckAlgorithm</name>
    <message>
        <source>Check a city for gaps</source>
        <translation>检查城市缺口</translation>
    </message>
    <message>
        <source>Runs the gap rules over the files and layers of a city. The store is made if it is not there; an earlier one is continued: gaps keep their identity, and what people said stays. Without files and layers the ones of the last run are checked again.</source>
        <translation>对城市的文件和图层运行缺口规则。没有缺口库时新建，已有的接着用：缺口保持编号，人工记录保留。不给文件和图层时，重新检查上次的数据。</translation>
    </message>
    <message>
        <source>Only these rules (such as D01,N02)</source>
        <translation>只运行这些规则（如 D01,N02）</translation>
    </message>
    <message>
        <source>The city's own standards</source>
        <translation>本市标准</translation>
    </message>
    <message>
        <source>Only this unit (its code)</source>
        <translation>只检查该单元（代码）</translation>
    </message>
    <message>
        <source>Only this part</source>
        <translation>只检查该范围</translation>
    </message>
    <message>
        <source>The day that is "today"</source>
        <translation>以哪一天为“今天”</translation>
    </message>
    <message>
        <source>Time zone</source>
        <translation>时区</translation>
    </message>
    <message>
        <source>Store of gaps (an earlier one is continued)</source>
        <translation>缺口库（已有的接着用）</translation>
    </message>
    <message>
        <source>The city as it was read</source>
        <translation>读入后的城市数据</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>检查批次</translation>
    </message>
    <message>
        <source>Gaps found</source>
        <translation>发现的缺口</translation>
    </message>
</context>
<context>
    <name>CheckController</name>
    <message>
        <source>Found {} and {} for information; new {}, gone {}, in {} s.</source>
        <translation>发现 {}，另有提示 {}；新增 {}，消失 {}，用时 {} 秒。</translation>
    </message>
    <message>
        <source>Add files</source>
        <translation>添加文件</translation>
    </message>
    <message>
        <source>City data (*.gpkg *.shp *.geojson *.json *.pbf *.osm *.csv *.fgb);;All files (*)</source>
        <translation>城市数据 (*.gpkg *.shp *.geojson *.json *.pbf *.osm *.csv *.fgb);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>Cancelled: nothing was changed.</source>
        <translation>已取消，未作任何改动。</translation>
    </message>
    <message>
        <source>CityGap: counting gaps</source>
        <translation>CityGap：统计缺口</translation>
    </message>
    <message>
        <source>A Python with the packages</source>
        <translation>选择装有所需软件包的 Python</translation>
    </message>
    <message>
        <source>Checks need a Python with GeoPandas, and none was found. Run the line, then choose that Python. Layers, flags, notes and the report work without it.</source>
        <translation>检查需要装有 GeoPandas 的 Python，本机没有找到。请运行下面这行命令，再选择该 Python。图层、标记、备注和报告不受影响。</translation>
    </message>
    <message>
        <source>CityGap: check of {}</source>
        <translation>CityGap：检查 {}</translation>
    </message>
    <message>
        <source>Checking: {} %</source>
        <translation>正在检查：{} %</translation>
    </message>
</context>
<context>
    <name>CheckPage</name>
    <message>
        <source>The project has no vector layer</source>
        <translation>项目中没有矢量图层</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the line</source>
        <translation>复制这行命令</translation>
    </message>
    <message>
        <source>Choose another Python…</source>
        <translation>选择其他 Python…</translation>
    </message>
    <message>
        <source>Use a Python that already has the packages</source>
        <translation>使用已装好软件包的 Python</translation>
    </message>
    <message>
        <source>Sources</source>
        <translation>数据源</translation>
    </message>
    <message>
        <source>Add files…</source>
        <translation>添加文件…</translation>
    </message>
    <message>
        <source>GeoPackage, shapefile, GeoJSON, OSM or CSV files</source>
        <translation>GeoPackage、shapefile、GeoJSON、OSM 或 CSV 文件</translation>
    </message>
    <message>
        <source>From project</source>
        <translation>项目图层</translation>
    </message>
    <message>
        <source>Vector layers of this QGIS project</source>
        <translation>当前 QGIS 项目中的矢量图层</translation>
    </message>
    <message>
        <source>Take the selected sources out of the list</source>
        <translation>从列表中移除所选数据源</translation>
    </message>
    <message>
        <source>No source: the ones of the last check are read again.</source>
        <translation>不添加数据源时，重新读取上次检查的数据。</translation>
    </message>
    <message>
        <source>Run check</source>
        <translation>运行检查</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Double click: show the gaps of the rule</source>
        <translation>双击：查看该规则的缺口</translation>
    </message>
</context>
<context>
    <name>CityGapDock</name>
    <message>
        <source>CityGap</source>
        <translation>CityGap 城市缺口</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>图层</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Gaps</source>
        <translation>缺口</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
</context>
<context>
    <name>CityGapErrors</name>
    <message>
        <source>bad_bbox</source>
        <translation>范围不对，请给出西、南、东、北四个经纬度。</translation>
    </message>
    <message>
        <source>bad_crs</source>
        <translation>坐标系无法识别，请指定 EPSG 编号。</translation>
    </message>
    <message>
        <source>bad_encoding</source>
        <translation>文字无法用这种编码写出，请改用 UTF-8 或 GB18030。</translation>
    </message>
    <message>
        <source>bad_event</source>
        <translation>操作编号不对。</translation>
    </message>
    <message>
        <source>bad_geometry</source>
        <translation>几何图形无法读取。</translation>
    </message>
    <message>
        <source>bad_layer</source>
        <translation>图层数据无法读取，请修复数据源或将其移出项目。</translation>
    </message>
    <message>
        <source>bad_map</source>
        <translation>字段对应关系写法不对，应为 角色.字段=列名。</translation>
    </message>
    <message>
        <source>bad_number</source>
        <translation>有数值无法写入报告。</translation>
    </message>
    <message>
        <source>bad_object</source>
        <translation>对象写法不对，应为 角色:编号。</translation>
    </message>
    <message>
        <source>bad_photo</source>
        <translation>照片不存在、为空或不是图片，未保存任何内容。</translation>
    </message>
    <message>
        <source>bad_request</source>
        <translation>请求不完整。</translation>
    </message>
    <message>
        <source>bad_result</source>
        <translation>备注结果不在可选范围内。</translation>
    </message>
    <message>
        <source>bad_role</source>
        <translation>没有这个角色。</translation>
    </message>
    <message>
        <source>bad_severity</source>
        <translation>没有这个严重程度。</translation>
    </message>
    <message>
        <source>bad_standard</source>
        <translation>标准表中有一行无法使用。</translation>
    </message>
    <message>
        <source>bad_status</source>
        <translation>这个状态不能由人设置，或缺少理由、截止日期。</translation>
    </message>
    <message>
        <source>bad_style</source>
        <translation>样式文件无法使用，请重新安装插件。</translation>
    </message>
    <message>
        <source>bad_time</source>
        <translation>时间写法不对，应为带时区的 ISO 8601，截止日期应在将来。</translation>
    </message>
    <message>
        <source>bad_tz</source>
        <translation>没有这个时区。</translation>
    </message>
    <message>
        <source>bad_value</source>
        <translation>有字段的值无法写入报告。</translation>
    </message>
    <message>
        <source>bad_where</source>
        <translation>筛选条件无法识别。</translation>
    </message>
    <message>
        <source>bad_wkt</source>
        <translation>WKT 图形无法识别。</translation>
    </message>
    <message>
        <source>cancelled</source>
        <translation>已取消，未作任何改动。</translation>
    </message>
    <message>
        <source>cannot_write</source>
        <translation>无法写入文件，请检查文件夹权限。</translation>
    </message>
    <message>
        <source>city_stale</source>
        <translation>数据源已变化，请重新运行检查。</translation>
    </message>
    <message>
        <source>crs_differs</source>
        <translation>数据的坐标系与缺口库不同，请使用缺口库的坐标系或新建缺口库。</translation>
    </message>
    <message>
        <source>disk_full</source>
        <translation>磁盘已满，未作任何改动，请先腾出空间。</translation>
    </message>
    <message>
        <source>duplicate_finding</source>
        <translation>规则对同一对象给出了重复结果，请报告此问题。</translation>
    </message>
    <message>
        <source>empty</source>
        <translation>文件里没有数据。</translation>
    </message>
    <message>
        <source>exists</source>
        <translation>已有同名文件，请换一个名字。</translation>
    </message>
    <message>
        <source>folder_in_use</source>
        <translation>文件夹正被使用，请关闭其中的文件后再试。</translation>
    </message>
    <message>
        <source>internal</source>
        <translation>程序出错，请连同日志一起报告。</translation>
    </message>
    <message>
        <source>io</source>
        <translation>文件读写失败。</translation>
    </message>
    <message>
        <source>is_store</source>
        <translation>这是缺口库，不能作为数据源。</translation>
    </message>
    <message>
        <source>locked</source>
        <translation>缺口库被其他程序占用，请在那里保存或取消编辑后再试。</translation>
    </message>
    <message>
        <source>missing_file</source>
        <translation>找不到文件，请检查路径。</translation>
    </message>
    <message>
        <source>missing_folder</source>
        <translation>文件夹不存在。</translation>
    </message>
    <message>
        <source>missing_package</source>
        <translation>检查用的 Python 缺少软件包，请按“检查”页给出的命令安装。</translation>
    </message>
    <message>
        <source>nested_archive</source>
        <translation>压缩包里还有压缩包，请先解压。</translation>
    </message>
    <message>
        <source>newer_store</source>
        <translation>缺口库由更新版本的 CityGap 建立，请升级插件。</translation>
    </message>
    <message>
        <source>no_column</source>
        <translation>缺口没有这一列。</translation>
    </message>
    <message>
        <source>no_command</source>
        <translation>没有这个命令。</translation>
    </message>
    <message>
        <source>no_figures</source>
        <translation>没有这张统计表。</translation>
    </message>
    <message>
        <source>bad_text</source>
        <translation>文字不能为空。</translation>
    </message>
    <message>
        <source>no_crs</source>
        <translation>数据没有坐标系，请指定 EPSG 编号。</translation>
    </message>
    <message>
        <source>no_event</source>
        <translation>没有这步操作。</translation>
    </message>
    <message>
        <source>no_folder</source>
        <translation>请先选择报告文件夹。</translation>
    </message>
    <message>
        <source>no_gap</source>
        <translation>没有这个缺口，列表可能已过期。</translation>
    </message>
    <message>
        <source>no_geometry</source>
        <translation>图层没有几何图形。</translation>
    </message>
    <message>
        <source>no_layer</source>
        <translation>文件里没有这个图层。</translation>
    </message>
    <message>
        <source>no_lock</source>
        <translation>此处的文件系统不支持文件锁，请把缺口库复制到本机磁盘。</translation>
    </message>
    <message>
        <source>no_object</source>
        <translation>没有这个对象。</translation>
    </message>
    <message>
        <source>no_place</source>
        <translation>没有位置：请在地图上画出或指定对象。</translation>
    </message>
    <message>
        <source>no_profile</source>
        <translation>没有这种导出方式。</translation>
    </message>
    <message>
        <source>no_role</source>
        <translation>认不出图层的角色，请在列表中选择。</translation>
    </message>
    <message>
        <source>no_rule</source>
        <translation>没有这条规则。</translation>
    </message>
    <message>
        <source>no_shx</source>
        <translation>shapefile 缺少 .shx 文件，请把全套文件放在一起。</translation>
    </message>
    <message>
        <source>no_source</source>
        <translation>没有数据源，请添加城市数据文件。</translation>
    </message>
    <message>
        <source>no_standard</source>
        <translation>标准表缺少这条规则所需的参数。</translation>
    </message>
    <message>
        <source>no_store</source>
        <translation>尚未打开缺口库，请先打开、新建，或使用示例城市。</translation>
    </message>
    <message>
        <source>no_such_city</source>
        <translation>这座城市已不在内存中，请重新运行检查。</translation>
    </message>
    <message>
        <source>no_unit</source>
        <translation>没有这个管理单元。</translation>
    </message>
    <message>
        <source>no_worker</source>
        <translation>没有找到能运行检查的 Python，请看“检查”页的说明。</translation>
    </message>
    <message>
        <source>no_writer</source>
        <translation>没有可用的写出程序，请安装 fiona。</translation>
    </message>
    <message>
        <source>no_zone</source>
        <translation>没有这个时区。</translation>
    </message>
    <message>
        <source>not_a_geopackage</source>
        <translation>这不是 GeoPackage 文件。</translation>
    </message>
    <message>
        <source>not_an_answer</source>
        <translation>检查进程的回答无法识别，请重试。</translation>
    </message>
    <message>
        <source>not_store</source>
        <translation>这不是 CityGap 缺口库，或文件已损坏。</translation>
    </message>
    <message>
        <source>not_undoable</source>
        <translation>这步操作不能撤销。</translation>
    </message>
    <message>
        <source>out_taken</source>
        <translation>该文件夹里有别的文件，请换一个文件夹。</translation>
    </message>
    <message>
        <source>read_only</source>
        <translation>缺口库不可写，请复制到可写的文件夹。</translation>
    </message>
    <message>
        <source>readback</source>
        <translation>回读与写出不一致，未导出任何内容。</translation>
    </message>
    <message>
        <source>request_too_long</source>
        <translation>请求过长，请减少一次处理的数量。</translation>
    </message>
    <message>
        <source>store_as_source</source>
        <translation>这是缺口库，不能作为数据源，请添加城市数据文件。</translation>
    </message>
    <message>
        <source>too_small</source>
        <translation>数据太小，无法使用。</translation>
    </message>
    <message>
        <source>truncated</source>
        <translation>文件不完整，请重新获取。</translation>
    </message>
    <message>
        <source>undo_conflict</source>
        <translation>之后另有改动，不能撤销这一步。</translation>
    </message>
    <message>
        <source>unknown_encoding</source>
        <translation>不认识这种编码。</translation>
    </message>
    <message>
        <source>unreadable</source>
        <translation>文件无法读取，可能已损坏或格式不支持。</translation>
    </message>
    <message>
        <source>which_layer</source>
        <translation>文件里有多个图层，请指定一个。</translation>
    </message>
    <message>
        <source>worker_off</source>
        <translation>检查进程十分钟内崩溃三次，已停用；请查看日志，重启 QGIS 或更换 Python。</translation>
    </message>
    <message>
        <source>worker_packages</source>
        <translation>检查用的 Python 缺少软件包。</translation>
    </message>
    <message>
        <source>worker_stopped</source>
        <translation>检查进程意外停止，未作任何改动，请重试；详情见日志。</translation>
    </message>
    <message>
        <source>worker_version</source>
        <translation>检查进程与插件版本不一致，请安装同一版本。</translation>
    </message>
    <message>
        <source>write_failed</source>
        <translation>无法写入文件，请检查文件夹权限和剩余空间。</translation>
    </message>
</context>
<context>
    <name>CityGapPlugin</name>
    <message>
        <source>CityGap</source>
        <translation>CityGap 城市缺口</translation>
    </message>
    <message>
        <source>Show or hide the CityGap dock</source>
        <translation>显示或隐藏 CityGap 面板</translation>
    </message>
    <message>
        <source>Note on a gap of the map</source>
        <translation>为地图上的缺口写备注</translation>
    </message>
    <message>
        <source>Flag a point</source>
        <translation>标记点</translation>
    </message>
    <message>
        <source>Flag a line</source>
        <translation>标记线</translation>
    </message>
    <message>
        <source>Flag an area</source>
        <translation>标记面</translation>
    </message>
</context>
<context>
    <name>Desk</name>
    <message>
        <source>Undone.</source>
        <translation>已撤销。</translation>
    </message>
    <message>
        <source>Nothing to undo.</source>
        <translation>没有可撤销的操作。</translation>
    </message>
</context>
<context>
    <name>ErrorPlace</name>
    <message>
        <source>layer {}</source>
        <translation>图层 {}</translation>
    </message>
    <message>
        <source>field {}</source>
        <translation>字段 {}</translation>
    </message>
    <message>
        <source>row {}</source>
        <translation>第 {} 行</translation>
    </message>
</context>
<context>
    <name>FlagAlgorithm</name>
    <message>
        <source>Flag a gap</source>
        <translation>标记缺口</translation>
    </message>
    <message>
        <source>Adds a planner's own gap to the store: at a place, or on an object named as ROLE:ID.</source>
        <translation>把规划人员发现的缺口加入缺口库：在某个位置，或在以 角色:编号 指明的对象上。</translation>
    </message>
    <message>
        <source>Place</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>Object (ROLE:ID)</source>
        <translation>对象（角色:编号）</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>严重度</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文字</translation>
    </message>
    <message>
        <source>Rule it resembles</source>
        <translation>相近的规则</translation>
    </message>
    <message>
        <source>Class of the object</source>
        <translation>对象类别</translation>
    </message>
    <message>
        <source>Gap</source>
        <translation>缺口</translation>
    </message>
</context>
<context>
    <name>FlagDialog</name>
    <message>
        <source>Flag</source>
        <translation>标记</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Other</source>
        <translation>其他</translation>
    </message>
    <message>
        <source>Not said</source>
        <translation>未说明</translation>
    </message>
    <message>
        <source>Flag a gap</source>
        <translation>标记缺口</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>严重度</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>What is missing?</source>
        <translation>缺什么？</translation>
    </message>
    <message>
        <source>What you saw, in a sentence</source>
        <translation>用一句话写下所见</translation>
    </message>
</context>
<context>
    <name>GapListModel</name>
    <message>
        <source>Planner's flag</source>
        <translation>规划人员标记</translation>
    </message>
    <message>
        <source>Gap</source>
        <translation>缺口</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Object</source>
        <translation>对象</translation>
    </message>
    <message>
        <source>Unit</source>
        <translation>单元</translation>
    </message>
    <message>
        <source>Found</source>
        <translation>发现</translation>
    </message>
</context>
<context>
    <name>GapText</name>
    <message>
        <source>Cell</source>
        <translation>网格</translation>
    </message>
    <message>
        <source>Raised because</source>
        <translation>上调原因</translation>
    </message>
    <message>
        <source>Planner's flag</source>
        <translation>规划人员标记</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>严重度</translation>
    </message>
    <message>
        <source>Basis</source>
        <translation>依据</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Reason</source>
        <translation>理由</translation>
    </message>
    <message>
        <source>Object</source>
        <translation>对象</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>Unit</source>
        <translation>单元</translation>
    </message>
    <message>
        <source>Body</source>
        <translation>责任单位</translation>
    </message>
    <message>
        <source>Since</source>
        <translation>发现于</translation>
    </message>
    <message>
        <source>Due</source>
        <translation>期限</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文字</translation>
    </message>
    <message>
        <source>none on record</source>
        <translation>无记录</translation>
    </message>
    <message>
        <source>photos: {}</source>
        <translation>照片 {}</translation>
    </message>
</context>
<context>
    <name>GapsAlgorithm</name>
    <message>
        <source>List the gaps</source>
        <translation>列出缺口</translation>
    </message>
    <message>
        <source>Writes the gap records as JSON or CSV, their geometry as WKT in the city's CRS.</source>
        <translation>把缺口记录写成 JSON 或 CSV，几何为城市坐标系的 WKT。</translation>
    </message>
    <message>
        <source>Gaps</source>
        <translation>缺口</translation>
    </message>
    <message>
        <source>Number of gaps</source>
        <translation>缺口数</translation>
    </message>
</context>
<context>
    <name>GapsController</name>
    <message>
        <source>CityGap: gap list</source>
        <translation>CityGap：缺口列表</translation>
    </message>
    <message>
        <source>This gap has no place on the map.</source>
        <translation>这个缺口没有地图位置。</translation>
    </message>
    <message>
        <source>Select a gap first.</source>
        <translation>请先选择缺口。</translation>
    </message>
    <message>
        <source>Status set: {} ({}).</source>
        <translation>状态已设为{}（{} 个）。</translation>
    </message>
</context>
<context>
    <name>GapsPage</name>
    <message>
        <source>Listed: {} of {}</source>
        <translation>列出缺口：{}（共{}）</translation>
    </message>
    <message>
        <source>Listed: {}</source>
        <translation>列出缺口：{}</translation>
    </message>
    <message>
        <source>Planners' flags</source>
        <translation>规划人员标记</translation>
    </message>
    <message>
        <source>Point</source>
        <translation>点</translation>
    </message>
    <message>
        <source>Line</source>
        <translation>线</translation>
    </message>
    <message>
        <source>Area</source>
        <translation>面</translation>
    </message>
    <message>
        <source>All severities</source>
        <translation>全部严重度</translation>
    </message>
    <message>
        <source>All statuses</source>
        <translation>全部状态</translation>
    </message>
    <message>
        <source>All rules</source>
        <translation>全部规则</translation>
    </message>
    <message>
        <source>Search object, unit, body, text</source>
        <translation>搜索对象、单元、单位、文字</translation>
    </message>
    <message>
        <source>Flag</source>
        <translation>标记</translation>
    </message>
    <message>
        <source>Flag a gap on the map (F)</source>
        <translation>在地图上标记缺口 (F)</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Write a note on the selected gap (N)</source>
        <translation>为所选缺口写备注 (N)</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Say what you know of the selected gaps</source>
        <translation>设置所选缺口的状态</translation>
    </message>
    <message>
        <source>Previous gap (K)</source>
        <translation>上一个缺口 (K)</translation>
    </message>
    <message>
        <source>Next gap (J)</source>
        <translation>下一个缺口 (J)</translation>
    </message>
    <message>
        <source>Undo the last action (Ctrl+Z)</source>
        <translation>撤销上一步 (Ctrl+Z)</translation>
    </message>
    <message>
        <source>Double click: open the photo</source>
        <translation>双击：打开照片</translation>
    </message>
</context>
<context>
    <name>Inputs</name>
    <message>
        <source>Columns, one a line, such as housing.built_year=YEAR</source>
        <translation>列对应，每行一个，如 housing.built_year=YEAR</translation>
    </message>
    <message>
        <source>Store of gaps</source>
        <translation>缺口库</translation>
    </message>
    <message>
        <source>Author (empty: the system's user)</source>
        <translation>作者（空：系统用户）</translation>
    </message>
    <message>
        <source>Only gaps with (such as severity = 'high')</source>
        <translation>只取满足条件的缺口（如 severity = 'high'）</translation>
    </message>
    <message>
        <source>Files of the city</source>
        <translation>城市文件</translation>
    </message>
    <message>
        <source>CRS of the city (empty: by the data)</source>
        <translation>城市坐标系（空：按数据选择）</translation>
    </message>
</context>
<context>
    <name>LayersPage</name>
    <message>
        <source>Open store…</source>
        <translation>打开…</translation>
    </message>
    <message>
        <source>Open a CityGap store; the arrow lists recent ones</source>
        <translation>打开缺口库；箭头列出最近使用的</translation>
    </message>
    <message>
        <source>New…</source>
        <translation>新建…</translation>
    </message>
    <message>
        <source>Start a new store for a city</source>
        <translation>为一个城市新建缺口库</translation>
    </message>
    <message>
        <source>Sample city</source>
        <translation>示例城市</translation>
    </message>
    <message>
        <source>Open the sample city: made on this computer, no network needed</source>
        <translation>打开示例城市：在本机生成，不需要网络</translation>
    </message>
    <message>
        <source>Open a store, start a new one, or look at the sample city.</source>
        <translation>打开缺口库，新建一个，或者先看看示例城市。</translation>
    </message>
    <message>
        <source>Zoom to the city</source>
        <translation>缩放到全市</translation>
    </message>
</context>
<context>
    <name>MapController</name>
    <message>
        <source>Click the gap that the note is about.</source>
        <translation>请点击要备注的缺口。</translation>
    </message>
    <message>
        <source>Click the corners on the map; a right click ends, Backspace takes one back.</source>
        <translation>请在地图上依次点击各顶点；右键结束，退格键撤回一点。</translation>
    </message>
    <message>
        <source>Click the place of the gap on the map.</source>
        <translation>请在地图上点击缺口的位置。</translation>
    </message>
    <message>
        <source>No gap here: click on a gap of the map.</source>
        <translation>此处没有缺口，请点击地图上的缺口。</translation>
    </message>
    <message>
        <source>Gap flagged.</source>
        <translation>已标记缺口。</translation>
    </message>
    <message>
        <source>Note saved.</source>
        <translation>备注已保存。</translation>
    </message>
    <message>
        <source>Select a gap first.</source>
        <translation>请先选择缺口。</translation>
    </message>
    <message>
        <source>Gaps: {}</source>
        <translation>缺口：{}</translation>
    </message>
</context>
<context>
    <name>Messages</name>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Details…</source>
        <translation>详情…</translation>
    </message>
</context>
<context>
    <name>NoteAlgorithm</name>
    <message>
        <source>Add a note to a gap</source>
        <translation>为缺口添加备注</translation>
    </message>
    <message>
        <source>Attaches what was seen to a gap: text, time, result and photos, which are copied.</source>
        <translation>把现场所见附到缺口上：文字、时间、结果和照片（会被复制）。</translation>
    </message>
    <message>
        <source>Gap</source>
        <translation>缺口</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文字</translation>
    </message>
    <message>
        <source>Photos</source>
        <translation>照片</translation>
    </message>
    <message>
        <source>When it was seen (ISO 8601; empty: now)</source>
        <translation>查看时间（ISO 8601；空：现在）</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
</context>
<context>
    <name>NoteDialog</name>
    <message>
        <source>Save note</source>
        <translation>保存备注</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Photos ({})</source>
        <translation>照片 ({})</translation>
    </message>
    <message>
        <source>Not said</source>
        <translation>未说明</translation>
    </message>
    <message>
        <source>Add photos</source>
        <translation>添加照片</translation>
    </message>
    <message>
        <source>Note on a gap</source>
        <translation>缺口备注</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>What you saw at the place</source>
        <translation>现场所见</translation>
    </message>
    <message>
        <source>Seen at</source>
        <translation>查看时间</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Photos</source>
        <translation>照片</translation>
    </message>
    <message>
        <source>Drop photos here</source>
        <translation>把照片拖到这里</translation>
    </message>
    <message>
        <source>Add photos…</source>
        <translation>添加照片…</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
</context>
<context>
    <name>ReportAlgorithm</name>
    <message>
        <source>Export the gap report</source>
        <translation>导出缺口报告</translation>
    </message>
    <message>
        <source>Writes the gaps as shapefiles (points, lines, areas) with a legend, notes and photos, reads them back and says what the format could not hold. An earlier report in the folder is kept as FOLDER.1.</source>
        <translation>把缺口写成 shapefile（点、线、面），附字段说明、备注和照片，并回读核对，说明格式容纳不下的内容。文件夹中已有的报告保留为 FOLDER.1。</translation>
    </message>
    <message>
        <source>Encoding</source>
        <translation>编码</translation>
    </message>
    <message>
        <source>Profile</source>
        <translation>导出方式</translation>
    </message>
    <message>
        <source>Fail on any difference</source>
        <translation>有任何差异即失败</translation>
    </message>
    <message>
        <source>Folder of the report</source>
        <translation>报告文件夹</translation>
    </message>
    <message>
        <source>Gaps written</source>
        <translation>写出的缺口</translation>
    </message>
</context>
<context>
    <name>ReportController</name>
    <message>
        <source>Folder for the report</source>
        <translation>选择报告文件夹</translation>
    </message>
    <message>
        <source>The report is written.</source>
        <translation>报告已导出。</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>CityGap: report of {}</source>
        <translation>CityGap：{} 的报告</translation>
    </message>
    <message>
        <source>Written by QGIS's own GDAL, as there is no worker.</source>
        <translation>没有检查进程，由 QGIS 自带的 GDAL 写出。</translation>
    </message>
</context>
<context>
    <name>ReportPage</name>
    <message>
        <source>What the list shows</source>
        <translation>列表所示缺口</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Choose a folder</source>
        <translation>选择文件夹</translation>
    </message>
    <message>
        <source>Gaps</source>
        <translation>缺口</translation>
    </message>
    <message>
        <source>All gaps</source>
        <translation>全部缺口</translation>
    </message>
    <message>
        <source>Encoding</source>
        <translation>编码</translation>
    </message>
    <message>
        <source>UTF-8 for QGIS and new programs; GBK for older Chinese ones</source>
        <translation>QGIS 和新软件用 UTF-8；较旧的中文软件用 GBK</translation>
    </message>
    <message>
        <source>Export shapefile report</source>
        <translation>导出 shapefile 报告</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
</context>
<context>
    <name>RuleResultModel</name>
    <message>
        <source>Rule</source>
        <translation>规则</translation>
    </message>
    <message>
        <source>New</source>
        <translation>新增</translation>
    </message>
    <message>
        <source>Gone</source>
        <translation>消失</translation>
    </message>
</context>
<context>
    <name>SampleAlgorithm</name>
    <message>
        <source>Write the sample city</source>
        <translation>生成示例城市</translation>
    </message>
    <message>
        <source>Writes a made-up city with known gaps, to try CityGap on.</source>
        <translation>生成一座带有已知缺口的虚构城市，供试用 CityGap。</translation>
    </message>
    <message>
        <source>Buildings</source>
        <translation>建筑数</translation>
    </message>
    <message>
        <source>Seed of the random numbers</source>
        <translation>随机数种子</translation>
    </message>
    <message>
        <source>Sample city</source>
        <translation>示例城市</translation>
    </message>
</context>
<context>
    <name>SourceModel</name>
    <message>
        <source>auto</source>
        <translation>自动识别</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>数据源</translation>
    </message>
    <message>
        <source>Role</source>
        <translation>角色</translation>
    </message>
</context>
<context>
    <name>StatusDialog</name>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Gaps: {}</source>
        <translation>缺口：{}</translation>
    </message>
    <message>
        <source>Until</source>
        <translation>截止</translation>
    </message>
    <message>
        <source>Why</source>
        <translation>理由</translation>
    </message>
</context>
<context>
    <name>StoreController</name>
    <message>
        <source>Open a store</source>
        <translation>打开缺口库</translation>
    </message>
    <message>
        <source>CityGap stores (*.gpkg)</source>
        <translation>CityGap 缺口库 (*.gpkg)</translation>
    </message>
    <message>
        <source>New store</source>
        <translation>新建缺口库</translation>
    </message>
    <message>
        <source>Making the city</source>
        <translation>正在生成城市</translation>
    </message>
    <message>
        <source>CityGap: sample city</source>
        <translation>CityGap：示例城市</translation>
    </message>
    <message>
        <source>CityGap: check of the sample city</source>
        <translation>CityGap：检查示例城市</translation>
    </message>
    <message>
        <source>Checking it</source>
        <translation>正在检查</translation>
    </message>
    <message>
        <source>Add the city's files and run the check: it writes {}.</source>
        <translation>请添加城市数据并运行检查，结果写入 {}。</translation>
    </message>
</context>
</TS>
