// Package nhsa is the national interface's face: what tills and hospital systems that speak the specification of designated institutions
// (医疗保障信息平台定点医药机构接口规范) send, as commands and questions of the engine.
package nhsa
